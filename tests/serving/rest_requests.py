"""Requests of the REST interface."""

import json

PREDICT = "/v1/models/words:predict"


def post(client, model, body, method="predict", version=None):
    where = f"/v1/models/{model}" + (f"/versions/{version}" if version else "")
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    answer = client.post(f"{where}:{method}", content=content)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()
