"""A translator as a SavedModel: strings in, strings out, core TensorFlow ops only."""

import dataclasses
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from tf_transformer.export.graph_tokenizer import GraphTokenizer
from tf_transformer.search import SearchSettings, score_ids, search
from tf_transformer.translator import Translator
from tf_transformer.version import __version__


def export_saved_model(
    translator: Translator,
    path: str | os.PathLike,
    settings: SearchSettings | None = None,
    info: dict | None = None,
) -> Path:
    """Writes a SavedModel that any TensorFlow runtime can serve.

    Signatures:

        serving_default, translate   text (string, [batch]) ->
                                     translation (string, [batch]),
                                     score (float32, [batch])
        nbest                        text (string, [batch]) ->
                                     translation (string, [batch, beam_size]),
                                     score (float32, [batch, beam_size])
        score                        text, translation (string, [batch]) ->
                                     score (float32, [batch])
        info                         -> info (string): JSON with versions, settings
                                     and what was handed over as `info`

    `score` is the natural log of P(tokens, end | source), without length penalty;
    `nbest` is ordered by it with the penalty, best first, and where fewer
    translations exist the rest is "" with -inf.
    Tokenizer, model and search are one graph of core TensorFlow operations; weights
    are stored once. Text longer than the model's `max_length` is an
    InvalidArgumentError that names the limit.

    Args:
        translator: The translator.
        path: Folder to write, for TensorFlow Serving `<name>/<version>`. It must not
            exist yet.
        settings: The search's settings. Defaults to `SearchSettings()`: beam 4,
            alpha 0.6.
        info: Optional dictionary, such as languages and scores.

    Returns:
        The folder.

    Raises:
        FileExistsError: If `path` exists already.
        ValueError: If Keras does not run on TensorFlow.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(
            f"An export is never overwritten. Expected a new folder. Received: {path}"
        )
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "A SavedModel is written by TensorFlow. Expected KERAS_BACKEND=tensorflow. "
            f"Received: {keras.backend.backend()}"
        )
    servable = ServableTranslator(translator, settings or SearchSettings(), info or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        tf.saved_model.save(
            servable,
            folder,
            signatures={
                "serving_default": servable.translate,
                "translate": servable.translate,
                "nbest": servable.nbest,
                "score": servable.score,
                "info": servable.info,
            },
        )
        os.chmod(folder, 0o755)
        os.rename(folder, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return path


class ServableTranslator(tf.Module):
    """The exported graph's tokenizers, weights and functions.

    Args:
        translator: The translator.
        settings: The search's settings.
        info: What the `info` signature tells beside versions and settings.
    """

    def __init__(self, translator, settings: SearchSettings, info: dict):
        super().__init__()
        model, tokenizer = translator.model, translator.tokenizer
        # the variables themselves, not the Keras model: weights are stored once
        self.weights = [variable.value for variable in model.weights]
        self.source_tokenizer = GraphTokenizer(tokenizer.source_model)
        self.target_tokenizer = (
            self.source_tokenizer
            if tokenizer.target_model is None
            else GraphTokenizer(tokenizer.target_model)
        )
        described = {
            "tf_transformer": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "max_length": model.max_length,
            "parameters": model.count_params(),
            "search": dataclasses.asdict(settings),
            **info,
        }
        # functions of this object, so that the Keras model is not tracked
        all_settings = dataclasses.replace(settings, num_hypotheses=settings.beam_size)
        self.translate = graph_function(
            lambda text: self._translate(text, model, settings), "text"
        )
        self.nbest = graph_function(
            lambda text: self._nbest(text, model, all_settings), "text"
        )
        self.score = graph_function(
            lambda text, translation: self._score(text, translation, model),
            "text",
            "translation",
        )
        self.info = graph_function(
            lambda: {"info": tf.constant(json.dumps(described, ensure_ascii=False))}
        )

    def _translate(self, text, model, settings):
        found = search(model, self._source_ids(text, model), settings)
        return {
            "translation": self.target_tokenizer.decode(found["token_ids"][:, 0]),
            "score": found["log_probs"][:, 0],
        }

    def _nbest(self, text, model, settings):
        found = search(model, self._source_ids(text, model), settings)
        token_ids, scores = found["token_ids"], found["log_probs"]
        # all hypotheses of all sentences below each other, and back
        rows = tf.reshape(token_ids, [-1, tf.shape(token_ids)[2]])
        texts = self.target_tokenizer.decode(rows)
        return {"translation": tf.reshape(texts, tf.shape(scores)), "score": scores}

    def _score(self, text, translation, model):
        source_ids = self._source_ids(text, model)
        labels = self.target_tokenizer.encode(translation)
        labels = checked_length(labels, "translation", model.max_length)
        return {"score": score_ids(model, source_ids, labels)}

    def _source_ids(self, text, model):
        source_ids = self.source_tokenizer.encode(text)
        return checked_length(source_ids, "text", model.max_length)


def graph_function(function, *names: str):
    """A function of string tensors `(B,)` with these names, as a TensorFlow graph."""
    signature = [tf.TensorSpec([None], tf.string, name=name) for name in names]
    return tf.function(function, input_signature=signature, autograph=False)


def checked_length(token_ids, what: str, max_length: int):
    """The ids, if they are not too many; else an InvalidArgumentError."""
    length = tf.shape(token_ids)[1]
    is_short = tf.debugging.Assert(
        length <= max_length,
        [
            f"A {what} is longer than the model can read. Expected at most "
            f"{max_length} tokens, the end token counted. Received:",
            length,
        ],
    )
    with tf.control_dependencies([is_short]):
        return tf.identity(token_ids)


class SavedTranslator:
    """An exported folder as a function from texts to translations.

    It needs TensorFlow alone; nothing of the model's code is used.

    Args:
        path: A folder of `export_saved_model`.

    Raises:
        FileNotFoundError: If it holds no SavedModel.
    """

    def __init__(self, path: str | os.PathLike):
        if not Path(path, "saved_model.pb").exists():
            raise FileNotFoundError(
                f"The folder holds no SavedModel. Expected {path}/saved_model.pb. "
                f"Received: {path}"
            )
        self.signatures = tf.saved_model.load(str(path)).signatures

    def __call__(self, texts: list[str]) -> list[str]:
        """Translates a list of texts, in their order.

        Raises:
            ValueError: If a text is longer than the model can read.
        """
        try:
            found = self.signatures["translate"](text=tf.constant(texts, tf.string))
        except tf.errors.InvalidArgumentError as error:
            told = re.search(r"assertion failed: \[(.*)\] \[(\d+)\]", error.message)
            if told is None:
                raise
            raise ValueError(f"{told[1]} {told[2]} tokens") from error
        return [text.decode() for text in found["translation"].numpy()]

    def info(self) -> dict:
        """What the export tells of itself."""
        return json.loads(self.signatures["info"]()["info"].numpy())
