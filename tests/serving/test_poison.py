"""Bodies that broke other services: refused or answered, never a failure."""

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
