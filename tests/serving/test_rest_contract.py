"""Requests and answers equal TensorFlow Serving's.

The expectations are taken from its public documentation of the interface and from its
own tests of it, not from this service.
"""

import base64
import json
import math

import pytest
import tensorflow as tf

from tests.serving.rest_requests import post
from tests.serving.served_models import X


def test_the_documented_example(client):
    """`half_plus_two` of api_rest.md."""
    status, answer = post(client, "half", {"instances": [1.0, 2.0, 5.0]})
    assert (status, answer) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_column_form_answers_in_columns(client):
    assert post(client, "half", {"inputs": [3, 4]})[1] == {"outputs": [3.5, 4.0]}
    assert post(client, "half", {"inputs": {"x": [3]}})[1] == {"outputs": [3.5]}


def test_signature_name_and_version_choose(client):
    body = {"signature_name": "translate", "inputs": ["a", "b c"]}
    assert post(client, "words", body)[1] == {
        "outputs": {"translation": ["A3", "B C3"], "score": [1.0, 3.0]}
    }
    assert post(client, "words", body, version=2)[1] == {
        "outputs": {"translation": ["A2", "B C2"], "score": [1.0, 3.0]}
    }


def test_rows_hold_an_object_for_several_outputs(client):
    rows = [{"translation": "A3", "score": 1.0}, {"translation": "3", "score": 0.0}]
    for instances in (["a", ""], [{"text": "a"}, {"text": ""}]):
        assert post(client, "words", {"instances": instances})[1] == {
            "predictions": rows
        }


def test_several_inputs(client):
    columns = {"inputs": {"text": ["a", "b"], "other": ["a", "c"]}}
    rows = {"instances": [{"text": "a", "other": "a"}, {"text": "b", "other": "c"}]}
    for body in (columns, rows):
        _, answer = post(client, "words", {"signature_name": "same", **body})
        assert list(answer.values()) == [[1.0, 0.0]]


def test_bytes_go_in_and_out_as_base64(client):
    blob = {"b64": base64.b64encode("가나".encode()).decode()}
    body = {"signature_name": "kinds", "instances": [blob, "abc"]}
    _, answer = post(client, "words", body)
    first, second = answer["predictions"]
    assert first["text_bytes"] == blob
    assert second["text_bytes"] == {"b64": "YWJj"}


def test_every_type_has_its_json(client):
    body = {"signature_name": "kinds", "inputs": ["abcd", ""]}
    _, answer = post(client, "words", body)
    outputs = answer["outputs"]
    assert outputs["is_long"] == [True, False]
    assert outputs["long"] == [4 * 2**40, 0]
    assert outputs["double"] == [4 / 7, 0.0]
    assert outputs["ratio"][0] == math.inf
    assert math.isnan(outputs["ratio"][1])


def test_nan_and_infinity_are_numbers(client):
    answer = client.post(
        "/v1/models/half:predict", content='{"instances": [NaN, Infinity, -Infinity]}'
    )
    assert answer.text == '{"predictions": [NaN, Infinity, -Infinity]}'


def test_an_empty_column_is_no_error(client):
    expected = {"outputs": {"translation": [], "score": []}}
    assert post(client, "words", {"inputs": []}) == (200, expected)


def test_a_signature_without_inputs_can_be_called(client):
    """An addition: TensorFlow Serving refuses it over REST."""
    body = {"signature_name": "info", "inputs": {}}
    assert post(client, "words", body)[1] == {"outputs": '{"version": 3}'}


def test_status(client):
    version = {
        "version": "123",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in ("/v1/models/half", "/v1/models/half/versions/123"):
        answer = client.get(path)
        assert answer.json() == {"model_version_status": [version]}
        assert answer.headers["content-type"] == "application/json"


def test_status_lists_the_highest_version_first(client):
    answer = client.get("/v1/models/words").json()
    versions = [entry["version"] for entry in answer["model_version_status"]]
    assert versions == ["3", "2"]


def test_status_is_the_proto_of_tensorflow_serving(client):
    protos = pytest.importorskip(
        "tensorflow_serving.apis.get_model_status_pb2",
        reason="needs pip install tensorflow-serving-api",
    )
    from google.protobuf import json_format

    body = client.get("/v1/models/words").text
    read = json_format.Parse(body, protos.GetModelStatusResponse())
    assert [entry.version for entry in read.model_version_status] == [3, 2]
    assert read.model_version_status[0].state == protos.ModelVersionStatus.AVAILABLE
    # and nothing is missing that the server writes
    written = json_format.MessageToDict(
        read,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    assert written == json.loads(body)


def test_metadata_is_the_proto_of_tensorflow_serving(client, exports):
    protos = pytest.importorskip(
        "tensorflow_serving.apis.get_model_metadata_pb2",
        reason="needs pip install tensorflow-serving-api",
    )
    from google.protobuf import json_format
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow_serving.apis import model_pb2

    body = client.get("/v1/models/words/versions/2/metadata").json()
    assert body.keys() == {"model_spec", "metadata"}
    spec = json_format.ParseDict(body["model_spec"], model_pb2.ModelSpec())
    assert (spec.name, spec.version.value) == ("words", 2)
    read = json_format.ParseDict(
        body["metadata"]["signature_def"], protos.SignatureDefMap()
    )
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((exports / "words" / "2" / "saved_model.pb").read_bytes())
    assert dict(read.signature_def) == dict(saved.meta_graphs[0].signature_def)


def test_metadata_of_the_default_version(client):
    body = client.get("/v1/models/words/metadata").json()
    assert body["model_spec"] == {
        "name": "words",
        "signature_name": "",
        "version": "3",
    }
    definition = body["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert definition["method_name"] == "tensorflow/serving/predict"
    assert definition["inputs"]["text"]["dtype"] == "DT_STRING"
    assert definition["inputs"]["text"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }


def test_the_list_of_models(client):
    """An addition of this service."""
    models = client.get("/v1/models").json()["models"]
    assert [model["name"] for model in models] == ["half", "words"]
    assert models[0] == {
        "name": "half",
        "versions": [{"version": "123", "state": "AVAILABLE"}],
        "signatures": ["serving_default"],
    }


def test_a_signature_without_outputs(service, folder):
    module = tf.Module()
    module.nothing = tf.function(lambda x: {}, input_signature=[X])
    signatures = {"serving_default": module.nothing}
    tf.saved_model.save(module, str(folder / "empty" / "1"), signatures)
    with service(folder) as client:
        assert post(client, "empty", {"inputs": [1, 2]}) == (200, {"outputs": {}})
        status, answer = post(client, "empty", {"instances": [1, 2]})
        assert (status, "no outputs" in answer["error"]) == (400, True)
