"""Bodies of requests to the service, and texts for an exported model."""

import asyncio
import functools
import json
import zlib

import numpy as np
import tensorflow as tf

from tests.fuzzing.foreign_folders import small_tokenizer
from tests.fuzzing.target import Target, folder, must
from tf_transformer.serving.body import read_body
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.json_document import (
    check_examples,
    read_document,
    signature_name,
)
from tf_transformer.serving.json_inputs import read_inputs
from tf_transformer.serving.json_outputs import write_outputs

SPECS = [
    {"text": tf.TensorSpec([None], tf.string)},
    {"i": tf.TensorSpec(None, tf.int32), "s": tf.TensorSpec(None, tf.string)},
    {"f": tf.TensorSpec(None, tf.float32), "b": tf.TensorSpec(None, tf.bool)},
    {},
]
MAX_BODY = 2**20


def read_document_and_inputs(data):
    """All that is read of a body; what was accepted can be sent back."""
    document = read_document(data)
    signature_name(document)
    refused = None
    for specs in SPECS:
        try:
            row_form, arrays = read_inputs(document, specs)
        except RequestError as error:
            refused = error
            continue
        for name, array in arrays.items():
            must(array.dtype != object or specs[name].dtype == tf.string, "objects")
        tensors = {
            name: tf.constant(array, specs[name].dtype).numpy()
            for name, array in arrays.items()
        }
        if arrays:
            write_outputs({n: np.asarray(t) for n, t in tensors.items()}, row_form)
    try:
        check_examples(document)
    except RequestError as error:
        refused = error
    if refused is not None and "Received" not in str(refused):
        must(str(refused), "an error without a message")


def read_gzip_body(data):
    """The body in chunks, packed or not; never more than the most bytes."""
    from starlette.requests import Request

    encoding = (b"gzip", b"identity", b"x-gzip", b"br")[(data[:1] or b"\0")[0] % 4]
    body = data[1:]
    if encoding == b"gzip" and body[:1] < b"\x10":
        body = zlib.compress(body * 3_000, 9, 31)  # small, and large when unpacked
    chunks = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive():
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    headers = [(b"content-encoding", encoding)]
    scope = {"type": "http", "method": "POST", "headers": headers}
    found = asyncio.run(read_body(Request(scope, receive), MAX_BODY))
    must(len(found) <= MAX_BODY, f"{len(found)} bytes")


@functools.cache
def exported():
    from tests.export.toy_export import make_translator
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.inference.settings import SearchSettings

    path = folder("exported") / "1"
    settings = SearchSettings(beam_size=1, max_length=5)
    export_saved_model(make_translator(tokenizer=small_tokenizer()), path, settings)
    return tf.saved_model.load(str(path)).signatures["translate"]


def translate(data):
    """Texts of any bytes are translated to UTF-8; too long ones are refused by name."""
    from tf_transformer.utils.tensorflow_errors import failed_assertion

    texts = data.split(b"\xfe\n")[:4]
    try:
        found = exported()(text=tf.constant(texts))
    except tf.errors.InvalidArgumentError as error:
        problem = failed_assertion(error.message)
        must(problem is not None, f"a foreign error: {error.message[:200]}")
        return
    translations = found["translation"].numpy()
    must(len(translations) == len(texts), "another number of translations")
    for translation in translations:
        translation.decode()


def document_seeds():
    text = ["a cat", "고양이"]
    documents = [
        {"signature_name": "translate", "instances": text},
        {"instances": [{"text": {"b64": "aGVsbG8="}}, {"text": "b"}]},
        {"inputs": {"i": [[1, 2], [3, 4]], "s": [["a"], ["b"]]}},
        {"inputs": {"f": [1.5, -2e10], "b": [True, False]}},
        {"examples": [{"a": 1}], "context": {"b": None}, "inputs": {}},
    ]
    return [
        json.dumps(d, ensure_ascii=bool(i % 2)).encode()
        for i, d in enumerate(documents)
    ]


def body_seeds():
    body = document_seeds()[0]
    return [b"\0" + zlib.compress(body, 9, 31), b"\1" + body, b"\0\1" + body]


def text_seeds():
    from tests.export.graph_tokenizer.library import EDGES, MALFORMED

    texts = [text.encode() for text in EDGES] + MALFORMED
    return [b"\xfe\n".join(texts[i : i + 3]) for i in range(0, len(texts), 3)]


def target(name, read, seeds):
    return Target(name, read, seeds, errors=(RequestError,), in_error=())


TARGETS = [
    target("request_document", read_document_and_inputs, document_seeds),
    target("request_body", read_gzip_body, body_seeds),
    Target(
        "saved_model", translate, text_seeds, errors=(), max_length=160, is_slow=True
    ),
]
