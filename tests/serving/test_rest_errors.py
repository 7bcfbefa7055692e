"""Errors equal TensorFlow Serving's; test_rest_contract.py names the sources."""

import pytest

from tests.serving.rest_requests import post


def error_of(client, body, model="words", **where):
    status, answer = post(client, model, body, **where)
    assert answer.keys() == {"error"}
    return status, answer["error"]


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/v1/foo", "Malformed request: GET /v1/foo"),
        ("POST", "/v1/models", "Malformed request: POST /v1/models"),
        ("GET", "/v1/models/a:predict", "Malformed request: GET /v1/models/a:predict"),
        (
            "POST",
            "/v1/models/a/version/50:predict",
            "Malformed request: POST /v1/models/a/version/50:predict",
        ),
        (
            "POST",
            "/v1/models/a/versions/HELLO:regress",
            "Malformed request: POST /v1/models/a/versions/HELLO:regress",
        ),
        (
            "POST",
            "/v1/models/a/versions/5/labels/b:predict",
            "Malformed request: POST /v1/models/a/versions/5/labels/b:predict",
        ),
        (
            "POST",
            "/v1/models/a/versions/18446744073709551615:predict",
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        ("DELETE", "/v1/models/a", "Malformed request: DELETE /v1/models/a"),
        ("GET", "/v1/models/metadata/", "Malformed request: GET /v1/models/metadata/"),
        ("GET", "/v1/models/versions/3", "Missing model name in request."),
        (
            "GET",
            "/v1/models/words/labels/best/metadata",
            "Unrecognized servable version label: best",
        ),
    ],
)
def test_unknown_paths_are_errors(client, method, path, message):
    answer = client.request(method, path, content="{}")
    assert (answer.status_code, answer.json()) == (400, {"error": message})


def test_names_may_be_quoted(client):
    answer = client.get("/v1/models/a%2Fb%3A%20%ED%95%9C")
    message = "Could not find any versions of model a/b: 한"
    assert (answer.status_code, answer.json()) == (404, {"error": message})


def test_unknown_models_and_versions(client):
    body = {"instances": [1.0, 5.0]}
    for where, message in (
        ({"model": "x"}, "Servable not found for request: Latest(x)"),
        (
            {"model": "x", "version": 3},
            "Servable not found for request: Specific(x, 3)",
        ),
        (
            {"model": "half", "version": 3},
            "Servable not found for request: Specific(half, 3)",
        ),
    ):
        assert error_of(client, body, **where) == (404, message)
    answer = client.get("/v1/models/half/versions/3")
    message = "Could not find version 3 of model half"
    assert (answer.status_code, answer.json()) == (404, {"error": message})


def test_a_body_that_is_no_json_comes_before_an_unknown_model(client):
    status, message = error_of(client, "{", model="x")
    assert status == 400
    assert message.startswith("JSON Parse error: ")


@pytest.mark.parametrize("label_path", ["/v1/models/words/labels/best:predict"])
def test_labels_are_unknown(client, label_path):
    answer = client.post(label_path, content='{"instances": ["a"]}')
    message = "Unrecognized servable version label: best"
    assert (answer.status_code, answer.json()) == (400, {"error": message})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        ("[1]", "JSON Value: [\n    1\n] Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        (
            {"signature_name": "nope", "instances": ["a"]},
            'Serving signature name: "nope" not found in signature def',
        ),
        (
            {"signature_name": 5},
            'JSON Value: {\n    "signature_name": 5\n} not formatted correctly. '
            "'signature_name' key must be a string value.",
        ),
        (
            {"instances": [1]},
            "Failed to process element: 0 of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON Value: 1 Type: Number is not of expected type: "
            "string",
        ),
        ({"inputs": {"txt": ["a"]}}, "Missing named input: text in 'inputs' object."),
    ],
)
def test_bodies_that_are_refused(client, body, message):
    assert error_of(client, body) == (400, message)


def test_an_error_of_the_graph_has_no_names_of_nodes(client):
    body = {"signature_name": "picky", "inputs": ["good", "bad"]}
    status, message = error_of(client, body)
    assert (status, message) == (400, "A bad text. Received: 7 tokens")


@pytest.mark.parametrize(
    ("method", "kind"), [("classify", "classification"), ("regress", "regression")]
)
def test_signatures_that_predict_do_not_classify(client, method, kind):
    body = {"examples": [{"x": 1.0}]}
    message = (
        f"Expected {kind} signature method_name to be tensorflow/serving/{method}. "
        "Was: tensorflow/serving/predict"
    )
    assert error_of(client, body, method=method) == (400, message)
    body["signature_name"] = "nope"
    message = "No signature was found with the name: nope"
    assert error_of(client, body, method=method) == (400, message)
    status, message = error_of(client, {}, method=method)
    assert (status, "'examples'" in message) == (400, True)
    assert error_of(client, {"examples": [[]]}, method=method) == (
        400,
        "Example must be JSON object but got JSON Array",
    )
