"""docs/service.md agrees with the service."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tf_transformer.cli import make_parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\$ curl (.*)\n(.*)$", TEXT, flags=re.MULTILINE)


def form(value):
    """The kinds of a JSON value's parts: what two answers of an endpoint share."""
    if isinstance(value, dict):
        return {name: form(member) for name, member in value.items()}
    if isinstance(value, list):
        return [form(member) for member in value[:1]]
    return type(value).__name__


@pytest.fixture(scope="module")
def mine(service, toy_export, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_models")
    (folder / "mine").symlink_to(toy_export.parent)
    with service(folder) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "shown"), EXAMPLES)
def test_examples_are_answered_as_shown(mine, arguments, shown):
    url, *data = shlex.split(arguments)
    path = url.removeprefix("http://127.0.0.1:8501")
    answer = mine.post(path, content=data[1]) if data else mine.get(path)
    assert form(answer.json()) == form(json.loads(shown))
    if "error" in answer.json() or "status" in shown:
        assert answer.json() == json.loads(shown)


@pytest.mark.slow
def test_request_to_tensorflow_serving_is_answered_as_shown(mine):
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    section = text.split("\n## TensorFlow Serving\n")[1].split("\n## ")[0]
    [path, body] = re.search(r"localhost:8501(\S+) \\\n +-d '(.*)'", section).groups()
    [shown] = re.findall(r"^    (\{.*)$", section, re.MULTILINE)
    answer = mine.post(path, content=body)
    assert form(answer.json()) == form(json.loads(shown))


def test_there_are_examples():
    assert len(EXAMPLES) == 8


def test_every_option_is_listed_with_its_default():
    options = make_parser().parse_args(["serve", "x"])
    listed = dict(re.findall(r"^\| `--([a-z-]+)` \| (\S*) ?\|", TEXT, re.MULTILINE))
    names = {name.replace("_", "-") for name in vars(options)} - {"folder", "verb"}
    assert set(listed) == names
    for name, default in listed.items():
        value = getattr(options, name.replace("-", "_"))
        assert default == (
            ""
            if value in (None, False)
            else f"{value:g}"
            if isinstance(value, float)
            else str(value)
        )


def test_every_metric_is_listed(client):
    page = client.get("/metrics").text
    found = set(re.findall(r"^# TYPE tf_transformer_(\w+) ", page, re.MULTILINE))
    table = TEXT.split("| metric ")[1].split("\n\n")[0]
    listed = set(re.findall(r"`(\w+)`", table)) - {"endpoint", "status", "model"}
    assert listed - {"signature"} == {x for x in found if not x.endswith("_created")}


def test_every_endpoint_is_listed(client):
    paths = client.get("/openapi.json").json()["paths"]
    for path in paths:
        ending = path.replace("{name}", "NAME").replace("/versions/{version}", "")
        assert ending.split("NAME")[-1] in TEXT


def test_the_manifest_is_sound():
    yaml = pytest.importorskip("yaml", reason="needs pip install PyYAML")
    text = (ROOT / "docs" / "kubernetes.yaml").read_text(encoding="utf-8")
    deployment, service = yaml.safe_load_all(text)
    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    pod = deployment["spec"]["template"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    assert labels == pod["metadata"]["labels"] == service["spec"]["selector"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports
    _, pause = container["lifecycle"]["preStop"]["exec"]["command"]
    assert 30 < int(pause) < pod["spec"]["terminationGracePeriodSeconds"]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        (check,) = container[name].keys() & {"tcpSocket", "httpGet"}
        assert container[name][check]["port"] in ports
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
