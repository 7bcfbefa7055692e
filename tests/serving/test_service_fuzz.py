"""Random requests: the service does not fail and answers as its description says."""

import contextlib
import json

import pytest

from tests.fast import FAST

pytestmark = pytest.mark.slow
schemathesis = pytest.importorskip(
    "schemathesis", reason='needs pip install "tf_transformer[serving-tests]"'
)
hypothesis = pytest.importorskip("hypothesis")

CHECKS = (
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
)
EXAMPLES = 5 if FAST else 30


def narrowed(description):
    """The description with names and versions that are often the right ones."""
    parameters = description["components"]["parameters"]
    parameters["name"]["schema"] = {
        "anyOf": [{"enum": ["words", "half"]}, {"type": "string", "minLength": 1}]
    }
    parameters["version"]["schema"] = {
        "anyOf": [{"enum": [3, 123]}, {"type": "integer", "minimum": 0}]
    }
    request = description["components"]["schemas"]["PredictRequest"]["properties"]
    names = ["translate", "together", "picky", "pieces", "same", "kinds", "info", ""]
    request["signature_name"] = {"enum": names}
    text = {"type": "array", "items": {"type": "string"}}
    columns = {"type": "object", "properties": {"text": text, "other": text}}
    request["inputs"] = {"anyOf": [{}, text, columns]}
    return description


def test_no_request_makes_it_fail(listening, exports):
    statuses = set()
    with listening(exports) as (port, _):
        url = f"http://127.0.0.1:{port}"
        text = schemathesis.openapi.from_url(f"{url}/openapi.json").raw_schema
        description = narrowed(json.loads(json.dumps(text)))
        schema = schemathesis.openapi.from_dict(description)
        for result in schema.get_all_operations():
            operation = result.ok()
            for mode in schemathesis.GenerationMode:

                @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
                @hypothesis.settings(
                    max_examples=EXAMPLES,
                    deadline=None,
                    database=None,
                    derandomize=True,
                    suppress_health_check=list(hypothesis.HealthCheck),
                )
                def send(case):
                    answer = case.call(base_url=url, timeout=300)
                    statuses.add(answer.status_code)
                    case.validate_response(answer, checks=CHECKS)

                # an operation without parameters has no wrong ones
                with contextlib.suppress(hypothesis.errors.Unsatisfiable):
                    send()
    assert {200, 400, 404} <= statuses
