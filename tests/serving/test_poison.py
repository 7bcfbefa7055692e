"""Malicious bodies are refused or answered, and never cause a failure."""

import gzip
import json

import pytest

WRONG = [
    b"",
    b"\x00",
    b"\xff\xfe{\x00}\x00",
    b"[" * 100_000,
    b'{"inputs":' * 500,
    b'{"inputs": [' + b"[]," * 1000 + b"[]]}",
    b'{"inputs": ["\\ud800"]}',
    b'{"signature_name": "\\udc00", "inputs": []}',
    b'{"inputs": {"\\ud800": []}}',
    b'{"inputs": ["\\u0000"]}',
    b'{"inputs": [1e999]}',
    b'{"inputs": [' + b"9" * 10_000 + b"]}",
    b'{"inputs": {"b64": "////"}}',
    b'{"inputs": [{"b64": "\xed\x95\x9c"}]}',
    b'{"inputs": [null, true, {}, [], "a"]}',
    b'{"instances": [{}]}',
    b'{"instances": [[]]}',
    b'{"instances": [{"text": []}, {"text": [[]]}]}',
    b'{"signature_name": null, "instances": ["a"]}',
    b'{"signature_name": "info", "instances": [{}]}',
    b'{"signature_name": "same", "inputs": {"text": ["a", "b"], "other": ["a"]}}',
    b'{"signature_name": "same", "inputs": {"text": [], "other": ["a"]}}',
    b'{"signature_name": "kinds", "instances": [{"b64": "/w=="}]}',
]


@pytest.mark.parametrize("model", ["words", "half"])
@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
def test_a_poisonous_body_is_no_failure(client, model, body):
    answer = client.post(f"/v1/models/{model}:predict", content=body)
    assert answer.status_code < 500
    answer.json()
    assert client.get("/healthz").status_code == 200


NESTED = {
    "inputs": (b'{"inputs": ', b"}"),
    "instances": (b'{"instances": [', b"]}"),
    "a named row": (b'{"instances": [{"text": ', b"}]}"),
    "the signature's name": (b'{"inputs": [], "signature_name": ', b"}"),
    "nothing that is read": (b'{"inputs": [1], "other": ', b"}"),
    "the document": (b"", b""),
}
DEPTHS = (50, 61, 64, 65, 100, 254, 255, 256, 500, 900, 990, 1000, 5000, 100_000)


@pytest.mark.parametrize("place", NESTED)
def test_json_that_is_nested_deep_is_refused(client, place):
    before, after = NESTED[place]
    for depth in DEPTHS:
        for model in ("words", "half"):
            for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
                value = opening * depth + b"1" + closing * depth
                answer = client.post(
                    f"/v1/models/{model}:predict", content=before + value + after
                )
                # a key that is not read may be as deep as the parser allows
                assert answer.status_code == 400 or (
                    place == "nothing that is read" and depth < 61
                ), (depth, model, opening)
                assert answer.json()


TEXTS = json.dumps({"inputs": {"text": ["a", "학생"]}}).encode()


def post(client, body, encoding):
    headers = {"Content-Encoding": encoding}
    return client.post("/v1/models/words:predict", content=body, headers=headers)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_compressed_by_gzip(client, encoding):
    answer = post(client, gzip.compress(TEXTS), encoding)
    assert answer.json() == post(client, TEXTS, "identity").json()
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [TEXTS, b"", gzip.compress(TEXTS)[:-9], gzip.compress(TEXTS) + b"more"],
    ids=["plain", "empty", "cut", "longer"],  # gzip writes the time
)
def test_a_body_that_is_no_gzip(client, body):
    answer = post(client, body, "gzip")
    assert answer.status_code == 400
    assert "gzip" in answer.json()["error"]


def test_a_body_that_is_too_large_when_decompressed(client):
    bomb = gzip.compress(b" " * (1 << 24))
    assert len(bomb) < 20_000
    answer = post(client, bomb, "gzip")
    assert answer.status_code == 413
    fits = gzip.compress(TEXTS + b" " * ((1 << 20) - len(TEXTS)))
    assert post(client, fits, "gzip").status_code == 200


@pytest.mark.parametrize("encoding", ["deflate", "br", "gzip, gzip"])
def test_another_compression_is_refused_by_name(client, encoding):
    answer = post(client, TEXTS, encoding)
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip"
    assert encoding in answer.json()["error"]
