"""Warm-up requests have the format that TensorFlow Serving reads."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from tests.export.toy_export import MAX_LENGTH, make_translator
from tf_transformer.export import saved_model
from tf_transformer.export.saved_model import export_saved_model
from tf_transformer.export.warm_up import (
    MOST_REQUESTS,
    WARM_UP_FILE,
    check_warm_up_texts,
    prediction_log,
    write_warm_up_requests,
)

TEXTS = ["a cat ran", "완전히 다른 글자 ★", "", "long " * 4321]


def parsed(record):
    log = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    message = log.PredictionLog.FromString(record)
    assert message.WhichOneof("log_type") == "predict_log"
    return message.predict_log


def test_the_file_holds_one_request_for_each_text(tmp_path):
    write_warm_up_requests(tmp_path, "en_ko", TEXTS)
    records = list(tf.data.TFRecordDataset(str(tmp_path / WARM_UP_FILE)))
    logs = [parsed(record.numpy()) for record in records]
    assert [tf.make_ndarray(log.request.inputs["text"]).tolist() for log in logs] == [
        [text.encode()] for text in TEXTS
    ]
    for log in logs:
        assert list(log.request.inputs) == ["text"]
        assert log.request.model_spec.name == "en_ko"
        assert log.request.model_spec.signature_name == "serving_default"
        assert not log.HasField("response")


def test_bytes_are_those_of_the_official_messages():
    inputs = {"text": ["a", "나"], "translation": ["나" * 300, ""]}
    apis = pytest.importorskip("tensorflow_serving.apis")
    assert apis
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    expected = PredictionLog()
    request = expected.predict_log.request
    request.model_spec.name = "model"
    request.model_spec.signature_name = "score"
    for name, strings in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(strings, tf.string))
    found = prediction_log("model", inputs, "score")
    assert PredictionLog.FromString(found) == expected
    assert len(found) == expected.ByteSize()


def test_texts_that_the_model_cannot_read_are_refused(tmp_path):
    translator, path = make_translator(), tmp_path / "en_ko" / "1"
    too_long = ["a", "cat " * MAX_LENGTH]
    with pytest.raises(ValueError, match="Received: text number 2"):
        export_saved_model(translator, path, warm_up_texts=too_long)
    with pytest.raises(ValueError, match=f"at most {MOST_REQUESTS}.*1001 texts"):
        export_saved_model(translator, path, warm_up_texts=["a"] * 1001)
    assert not path.exists()


def test_as_many_texts_as_allowed_are_accepted():
    asked = []
    reader = SimpleNamespace(
        fits=lambda texts: [asked.append(t) is None for t in texts]
    )
    check_warm_up_texts(reader, ["a"] * MOST_REQUESTS)
    assert len(asked) == MOST_REQUESTS == 1000


class Servable:
    """In place of the graph, which takes long to build."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __getattr__(self, name):
        return name


def test_requests_name_the_folder_of_the_versions(tmp_path, monkeypatch):
    """Under this name TensorFlow Serving serves them."""
    monkeypatch.setattr(saved_model, "ServableTranslator", Servable)
    monkeypatch.setattr(tf.saved_model, "save", lambda servable, folder, **_: None)
    monkeypatch.setattr(saved_model, "remove_custom_gradients", lambda folder: None)
    reader, names = SimpleNamespace(fits=lambda texts: [True] * len(texts)), []
    (tmp_path / "ko_en").mkdir()
    monkeypatch.chdir(tmp_path / "ko_en")
    for path in (tmp_path / "en_ko" / "1", Path("2")):
        export_saved_model(reader, path, warm_up_texts=["a cat"])
        [record] = tf.data.TFRecordDataset(str(path / WARM_UP_FILE))
        names.append(parsed(record.numpy()).request.model_spec.name)
    assert names == ["en_ko", "ko_en"]
    export_saved_model(reader, tmp_path / "en_ko" / "2")
    assert not (tmp_path / "en_ko" / "2" / WARM_UP_FILE).exists()
