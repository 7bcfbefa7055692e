"""Web sites of others cannot use a service on this machine."""

import json

import pytest

from tests.serving.rest_requests import PREDICT

BODY = json.dumps({"instances": ["a"]})
ELSEWHERE = "https://elsewhere.example"


def post(client, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(PREDICT, content=BODY, headers=names)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8501", "127.0.0.1", "192.0.2.7:80", "[::1]:8501", "[::1]"],
)
def test_addresses_and_localhost_are_allowed_hosts(client, host):
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/", "/healthz", "/metrics"])
def test_another_name_of_this_machine_is_refused(client, path):
    answer = client.get(path, headers={"Host": "rebound.example:8501"})
    assert answer.status_code == 421
    assert "--allowed-host rebound.example" in answer.json()["error"]


def test_allowed_hosts(service, add, folder):
    add("half/123")
    with service(folder, allowed_hosts=("Translator.local",)) as client:
        for host, status in (("translator.LOCAL:80", 200), ("local", 421)):
            assert client.get("/healthz", headers={"Host": host}).status_code == status
    with service(folder, allowed_hosts=("*",)) as client:
        assert client.get("/healthz", headers={"Host": "x.example"}).is_success


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "application/json", ""],
)
def test_without_an_origin_any_content_type_is_answered(client, content_type):
    # as TensorFlow Serving does; `curl -d` sends the first one
    assert post(client, content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain;charset=utf-8", ""],
)
@pytest.mark.parametrize(
    "browser",
    [
        {"origin": ELSEWHERE},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_requests_of_other_sites_need_a_preflight(client, browser, content_type):
    answer = post(client, content_type=content_type, **browser)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_a_preflight_of_another_site_is_not_granted(client):
    headers = {
        "Origin": ELSEWHERE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = client.options(PREDICT, headers=headers)
    assert not answer.is_success
    assert "access-control-allow-origin" not in answer.headers


def test_the_page_and_proxies_are_answered(client):
    own = {"origin": "http://127.0.0.1", "sec_fetch_site": "same-origin"}
    assert post(client, content_type="text/plain", **own).status_code == 200
    # behind a proxy that changes the host, origins differ
    proxied = {"origin": "https://public.example", "content_type": "application/json"}
    assert post(client, **proxied).status_code == 200


@pytest.mark.moderate
def test_allowed_origins(service, add, folder):
    add("words/2")
    with service(folder, allowed_origins=(ELSEWHERE,), token="S3cret") as client:
        preflight = {
            "Origin": ELSEWHERE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        answer = client.options(PREDICT, headers=preflight)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ELSEWHERE
        authorization = "bearer S3cret"
        answer = post(client, origin=ELSEWHERE, authorization=authorization)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == ELSEWHERE
        refused = post(client, origin=ELSEWHERE)  # whose page may read why
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == ELSEWHERE
        other = {**preflight, "Origin": "https://other.example"}
        assert client.options(PREDICT, headers=other).status_code == 400


def test_pages_of_allowed_origins_may_compress_and_see_when_to_retry(
    service, add, folder
):
    add("half/123")
    with service(folder, allowed_origins=(ELSEWHERE,)) as client:
        preflight = {
            "Origin": ELSEWHERE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-encoding, content-type",
        }
        assert client.options(PREDICT, headers=preflight).status_code == 200
        answer = client.get("/healthz", headers={"Origin": ELSEWHERE})
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
