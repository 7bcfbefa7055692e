"""Warm-up requests for TensorFlow Serving, in the folder of an exported graph.

TensorFlow Serving replays `assets.extra/tf_serving_warmup_requests`, a TFRecord file of
`PredictionLog` messages, before it serves a version. The messages are encoded here, so
that `tensorflow-serving-api` is not needed.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MOST_REQUESTS = 1000  # TensorFlow Serving refuses a version with more
# Field numbers of tensorflow_serving/apis/*.proto.
_PREDICTION_LOG = {"predict_log": 6}
_PREDICT_LOG = {"request": 1}
_PREDICT_REQUEST = {"model_spec": 1, "inputs": 2}
_MODEL_SPEC = {"name": 1, "signature_name": 3}
_MAP_ENTRY = {"key": 1, "value": 2}
_LENGTH_DELIMITED = 2


def check_warm_up_texts(translator, texts: Sequence[str]) -> None:
    """Refuses texts for which TensorFlow Serving would not load a version.

    Args:
        translator: The translator.
        texts: Texts for `write_warm_up_requests`.

    Raises:
        ValueError: If there are too many texts, or one is too long for the model.
    """
    if len(texts) > MOST_REQUESTS:
        raise ValueError(
            "TensorFlow Serving accepts a limited number of warm-up requests. Expected "
            f"at most {MOST_REQUESTS}. Received: {len(texts)} texts"
        )
    for number, fits in enumerate(translator.fits(texts), start=1):
        if not fits:
            raise ValueError(
                "A warm-up text is longer than the model can read. Expected "
                f"at most max_length={translator.model.max_length} tokens. Received: "
                f"text number {number}"
            )


def write_warm_up_requests(
    folder: str | os.PathLike, model_name: str, texts: Sequence[str]
) -> None:
    """Writes one request of `serving_default` for each text.

    Args:
        folder: Folder of a SavedModel.
        model_name: The name under which the model will be served.
        texts: Texts that are translated before the version is served.
    """
    path = Path(folder, WARM_UP_FILE)
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(os.fspath(path)) as writer:
        for text in texts:
            writer.write(prediction_log(model_name, {"text": [text]}))


def prediction_log(
    model_name: str,
    inputs: dict[str, list[str]],
    signature_name: str = "serving_default",
) -> bytes:
    """A `PredictionLog` message of one request.

    Args:
        model_name: The model's name.
        inputs: Strings by name of the input.
        signature_name: The signature.

    Returns:
        The serialized message.

    Example: field 6 with a message of 53 bytes.

    >>> list(prediction_log("en_ko", {"text": ["a cat"]})[:2]) == [6 << 3 | 2, 53]
    True
    """
    model_spec = _message(_MODEL_SPEC, name=model_name, signature_name=signature_name)
    request = _message(_PREDICT_REQUEST, model_spec=model_spec)
    for name, strings in inputs.items():
        tensor = tf.make_tensor_proto(strings, tf.string).SerializeToString()
        entry = _message(_MAP_ENTRY, key=name, value=tensor)
        request += _message(_PREDICT_REQUEST, inputs=entry)
    predict_log = _message(_PREDICT_LOG, request=request)
    return _message(_PREDICTION_LOG, predict_log=predict_log)


def _message(numbers: dict[str, int], **fields: str | bytes) -> bytes:
    """Strings and messages in the wire format of protocol buffers."""
    parts = []
    for name, value in fields.items():
        content = value.encode() if isinstance(value, str) else value
        tag = numbers[name] << 3 | _LENGTH_DELIMITED
        parts += [_varint(tag), _varint(len(content)), content]
    return b"".join(parts)


def _varint(number: int) -> bytes:
    """An unsigned integer, 7 bits a byte, the lowest first."""
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
