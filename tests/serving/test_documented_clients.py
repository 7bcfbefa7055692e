"""The clients of docs/serving.md translate: over HTTP and over gRPC.

TensorFlow Serving cannot be installed like a Python package. Its messages can: a
small server of them stands in for it, so the client's half of the gRPC interface is
the real one.
"""

import re
import sys
import types

import numpy as np
import pytest

from tests.document_blocks import python_blocks

_, HTTP_CLIENT, GRPC_CLIENT, TRITON_CLIENT, _ = python_blocks("docs/serving.md")
SENTENCE = "I am a student."


def run(client, port, model="en_ko", texts=(SENTENCE,)):
    """Runs the client with another port, model and texts; what it prints."""
    changes = {
        r"localhost:85\d\d": f"127.0.0.1:{port}",
        r"(?<=[/\"])mine(?=[:\"])": model,
        re.escape(f'["{SENTENCE}"]'): repr(list(texts)),
        "timeout=30": "timeout=300",
    }
    for old, new in changes.items():
        client, number = re.subn(old, lambda _, new=new: new, client)
        assert number == 1, old
    printed = []
    exec(client, {"print": printed.append})
    [translations] = printed
    return translations


@pytest.fixture(scope="module")
def prediction_service():
    reason = "needs pip install tensorflow-serving-api"
    pytest.importorskip("tensorflow_serving.apis.predict_pb2", reason=reason)
    from tests.serving import prediction_service

    return prediction_service.listening_for_grpc


@pytest.fixture(scope="module")
def grpc_port(prediction_service, exports):
    with prediction_service("en_ko", exports / "words" / "3") as port:
        yield port


def test_http_client_is_answered_by_the_service(listening, add, folder):
    add("words/3", to="en_ko/3")
    with listening(folder) as (port, _):
        assert run(HTTP_CLIENT, port) == ["I AM A STUDENT.3"]


@pytest.mark.parametrize("texts", [[SENTENCE], ["a", "", "ä 나는"]])
def test_grpc_client_is_answered(grpc_port, texts):
    expected = [text.upper().replace("Ä", "ä") + "3" for text in texts]
    assert run(GRPC_CLIENT, grpc_port, texts=texts) == expected


def test_triton_client_sends_columns_and_reads_the_first_output(monkeypatch):
    """pytriton and its NumPy need a separate environment; a substitute is tested."""
    sent = []

    class ModelClient:
        def __init__(self, url, model):
            assert (url, model) == ("http://localhost:8000", "mine")

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def infer_batch(self, texts):
            sent.append(texts)
            return {"translation": np.char.upper(texts.astype("S"))}

    client = types.ModuleType("pytriton.client")
    client.ModelClient = ModelClient
    monkeypatch.setitem(sys.modules, "pytriton", types.ModuleType("pytriton"))
    monkeypatch.setitem(sys.modules, "pytriton.client", client)
    printed = []
    exec(TRITON_CLIENT, {"print": printed.append})
    assert sent[0].tolist() == [[b"I am a student."], [b""]]
    assert printed == [["I AM A STUDENT.", ""]]


def test_grpc_client_gets_not_found_for_an_unknown_model(grpc_port):
    import grpc

    with pytest.raises(grpc.RpcError, match=r"not found .* Latest\(nobody\)") as error:
        run(GRPC_CLIENT, grpc_port, model="nobody")
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.slow
def test_grpc_client_gives_the_strings_of_the_translator(
    prediction_service, toy_export
):
    import grpc

    from tests.export.toy_export import TEXTS, make_translator

    expected = [best.text for best, *_ in make_translator().nbest(TEXTS)]
    assert len(set(expected)) > 2
    with prediction_service("en_ko", toy_export) as port:
        assert run(GRPC_CLIENT, port, texts=TEXTS) == expected
        with pytest.raises(grpc.RpcError, match="longer than the model") as error:
            run(GRPC_CLIENT, port, texts=["cat " * 100])
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
