"""What a service shows and what it does not: answers, page, metrics and log."""

import json
import logging
import re

from tests.serving.rest_requests import PREDICT
from tf_transformer.serving.logs import JsonFormatter
from tf_transformer.serving.signature import Signature

SECRET = "the cat's own secret"


def test_the_token(service, add, folder):
    add("half/123")
    with service(folder, token="S3cret") as client:
        for path in ("/v1/models", "/v1/models/half", "/metrics", "/openapi.json"):
            for header in (
                None,
                "S3cret",
                "Bearer s3cret",
                "Bearer ",
                "Bearer é",
                "Basic S3cret",
            ):
                headers = header and {"Authorization": header.encode("latin-1")}
                answer = client.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json().keys() == {"error"}
            for scheme in ("bearer", "BEARER"):
                right = {"Authorization": f"{scheme} S3cret"}
                assert client.get(path, headers=right).status_code == 200
            right = {"Authorization": "Bearer S3cret"}
            assert client.get(path, headers=right).status_code == 200
        for path in ("/healthz", "/readyz", "/", "/page.css"):
            assert client.get(path).status_code == 200


def test_every_answer_is_guarded_against_scripts_and_other_sites(client):
    for path in ("/", "/v1/models", "/v1/models/x", "/healthz", "/nowhere"):
        answer = client.get(path, headers={"Origin": "http://elsewhere.example"})
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [
            name for name in answer.headers if name.startswith("access-control")
        ]


def test_text_comes_back_as_json_and_never_as_html(client):
    text = "<script>alert(1)</script>"
    answer = client.post(PREDICT, json={"inputs": [text]})
    assert answer.json()["outputs"]["translation"] == [text.upper() + "3"]
    answers = [
        answer,
        client.post(PREDICT, json={"inputs": [[text]]}),
        client.post(PREDICT, json={"signature_name": text, "inputs": []}),
        client.get(f"/v1/models/{text}"),
        client.get(f"/{text}"),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"


def test_the_page_and_nothing_else_of_the_disk(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    linked = re.findall(r'(?:src|href)="([^"#:]+)"', page.text)
    assert linked
    for name in linked:
        assert client.get(f"/{name}").status_code == 200
    types = {"page.css": "text/css", "main.js": "text/javascript"}
    for name, kind in types.items():
        assert client.get(f"/{name}").headers["content-type"].startswith(kind)
    for path in ("/../app.py", "/..%2Fapp.py", "/%2e%2e/app.py", "//etc/passwd", "/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_metrics(service, add, folder, monkeypatch):
    add("words/3")
    with service(folder) as client:
        client.post(PREDICT, json={"inputs": ["ab", "cde"]})
        with monkeypatch.context() as patch:  # whose answer cannot be written
            patch.setattr("tf_transformer.serving.json_outputs.MAX_VALUES", 1)
            client.post(PREDICT, json={"inputs": ["fgh"]})
        client.post(PREDICT, json={"signature_name": "nope", "inputs": [""]})
        client.get("/v1/models/made-up-by-a-user")
        text = client.get("/metrics").text
    numbers = dict(re.findall(r"^(tf_transformer_\S+) (\S+)$", text, re.MULTILINE))
    for name, value in {
        'requests_total{endpoint="predict",status="200"}': 1,
        'requests_total{endpoint="predict",status="400"}': 2,
        'requests_total{endpoint="status",status="404"}': 1,
        'request_seconds_count{model="words",signature="serving_default"}': 2,
        "batch_sentences_sum": 3,
        "batch_sentences_count": 2,
        "queue_sentences": 0,
        'sentences_total{model="words"}': 2,
        'characters_total{model="words"}': 5,
    }.items():
        assert float(numbers[f"tf_transformer_{name}"]) == value
    assert float(numbers["tf_transformer_computing_seconds_total"]) > 0
    assert "made-up" not in text
    assert "nope" not in text


def logged(caplog, show_text=False):
    formatter = JsonFormatter(show_text)
    return [formatter.format(record) for record in caplog.records]


def test_the_log_has_the_event_but_not_the_text(service, add, folder, caplog):
    add("words/3")
    with caplog.at_level(logging.INFO, "tf_transformer"), service(folder) as client:
        client.post(PREDICT, json={"inputs": [SECRET, "b"]})
        client.post(PREDICT, json={"inputs": [[SECRET]]})
        client.post(PREDICT, json={"inputs": [{"b64": SECRET}]})
    lines = logged(caplog)
    assert SECRET not in "".join(lines)
    assert SECRET.upper() not in "".join(lines)
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == [
        "loading",
        "not_warmed_up",  # `slow` wants a number
        "available",
        "request",
        "request",
        "request",
    ]
    request = events[3]
    assert request.pop("seconds") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", request.pop("time"))
    assert request == {
        "level": "info",
        "event": "request",
        "method": "POST",
        "path": PREDICT,
        "status": 200,
        "endpoint": "predict",
        "model": "words",
        "version": 3,
        "signature": "serving_default",
        "sentences": 2,
        "characters": len(SECRET) + 1,
    }


def test_the_log_has_the_text_if_asked(service, add, folder, caplog):
    add("words/3")
    with (
        caplog.at_level(logging.INFO, "tf_transformer"),
        service(folder, log_text=True) as client,
    ):
        client.post(PREDICT, json={"inputs": [SECRET]})
    request = json.loads(logged(caplog)[-1])
    assert request["inputs"] == {"text": [SECRET]}
    assert request["outputs"] == {"translation": [SECRET.upper() + "3"]}


def test_a_failure_of_the_code_is_a_500_without_details(
    service, add, folder, caplog, monkeypatch
):
    def fail(self, arrays):
        raise RuntimeError(SECRET)

    add("words/3")
    with service(folder) as client:
        monkeypatch.setattr(Signature, "__call__", fail)
        answer = client.post(PREDICT, json={"inputs": ["a"]})
    assert answer.status_code == 500
    assert answer.json() == {"error": "The service failed. See its log."}
    lines = logged(caplog)
    assert SECRET not in "".join(lines)
    (failure,) = [json.loads(line) for line in lines if '"failed"' in line]
    assert failure["exception"] == "RuntimeError"
    assert failure["places"][-1].startswith(__file__)
    assert SECRET in "".join(logged(caplog, show_text=True))


def test_the_description_names_every_endpoint(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {path for path in paths if "version" not in path} == {
        "/",
        "/healthz",
        "/readyz",
        "/readyz/{name}",
        "/metrics",
        "/openapi.json",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/models/{name}/metadata",
        "/v1/models/{name}:predict",
        "/v1/models/{name}:classify",
        "/v1/models/{name}:regress",
    }
