"""A translator as a SavedModel, from strings to strings, with core TensorFlow ops."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from tf_transformer.data.shift import shift_right
from tf_transformer.export.compiled import compiled_search
from tf_transformer.export.gradients import remove_custom_gradients
from tf_transformer.export.graph_functions import (
    graph_function,
    ids_function,
    search_function,
)
from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer
from tf_transformer.export.warm_up import check_warm_up_texts, write_warm_up_requests
from tf_transformer.ids import PAD_ID
from tf_transformer.inference.search import token_log_probs
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.shortlist import LexicalShortlist, ShortlistedModel
from tf_transformer.inference.translator import Translator
from tf_transformer.utils.atomic import new_folder
from tf_transformer.version import __version__

SIGNATURES = (
    "translate",
    "translate_compiled",
    "nbest",
    "score",
    "score_tokens",
    "attend",
    "info",
)


def export_saved_model(
    translator: Translator,
    path: str | os.PathLike,
    settings: SearchSettings | None = None,
    info: dict | None = None,
    warm_up_texts: Sequence[str] = (),
    shortlist: LexicalShortlist | None = None,
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
        score_tokens                 text, translation (string, [batch]) ->
                                     piece (string, [batch, T]),
                                     score (float32, [batch, T])
        translate_compiled           like translate, with the search compiled by XLA
        attend                       text (string, [batch]) ->
                                     source (string, [batch, S]),
                                     target (string, [batch, T]),
                                     encoder (float32, [batch, N, h, S, S]),
                                     decoder (float32, [batch, N, h, T, T]),
                                     cross (float32, [batch, N, h, T, S])
        info                         -> info (string): JSON with versions, settings
                                     and the argument `info`

    `score` is the natural log of P(tokens, end | source), without length penalty.
    `nbest` is ordered by the score with the penalty, best first; if there are fewer
    translations than `beam_size`, the others are "" with the score -inf.
    `score_tokens` returns the tokens of each translation, the end included, and the
    natural log of the probability of each; rows are padded with "" and 0.
    `attend` translates and returns the attention weights of h heads of N layers.
    `source` and `target` are pieces, the end included, padded with "". Row t of
    `decoder` and `cross` is the step that generates piece t of `target`; column u of
    `decoder` is the input of step u: the start token at 0, otherwise piece u - 1
    of `target`. A model without self-attention has only `cross`.
    With `sample=True`, the same text always gets the same samples.
    Tokenizer, model and search are one graph of core TensorFlow operations; weights
    are stored once. Text longer than the model's `max_length` raises
    an InvalidArgumentError that names the limit. Only `translate_compiled` needs a
    runtime with XLA, and only when it is called; it compiles once for each size of
    `compiled_search`. The loaded object also has the compiled search without the
    tokenizer, `search_compiled`: ids [batch, S] -> token_ids [batch, 1, L],
    log_probs [batch, 1].

    Args:
        translator: The translator.
        path: Folder to write, for TensorFlow Serving `<name>/<version>`. It must not
            exist yet.
        settings: The settings of the search. Defaults to `SearchSettings()`: beam 4,
            alpha 0.6.
        info: Optional dictionary, such as languages and scores.
        warm_up_texts: Texts that TensorFlow Serving translates before it serves the
            version. They are written to
            `assets.extra/tf_serving_warmup_requests`, one request of `serving_default`
            each.
        shortlist: Optional shortlist for a `Transformer`: the search chooses
            among its tokens only, which is faster for a large vocabulary.

    Returns:
        The folder.

    Raises:
        FileExistsError: If `path` exists already.
        ValueError: If Keras does not run on TensorFlow, or if a warm-up text is too
            long for the model.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "A SavedModel is written by TensorFlow. Expected KERAS_BACKEND=tensorflow. "
            f"Received: {keras.backend.backend()}"
        )
    check_warm_up_texts(translator, warm_up_texts)
    with new_folder(path) as folder:
        settings = settings or SearchSettings()
        servable = ServableTranslator(translator, settings, info or {}, shortlist)
        tf.saved_model.save(
            servable,
            str(folder),
            signatures={
                "serving_default": servable.translate,
                **{name: getattr(servable, name) for name in SIGNATURES},
            },
            # An exported model is not trained. Custom gradients would stay registered
            # in the process for every version that it has loaded.
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )
        remove_custom_gradients(Path(folder))
        if warm_up_texts:
            model_name = Path(path).resolve().parent.name
            write_warm_up_requests(folder, model_name, warm_up_texts)
    return Path(path)


class ServableTranslator(tf.Module):
    """The exported graph's tokenizers, weights and functions.

    Args:
        translator: The translator.
        settings: The settings of the search.
        info, shortlist: See `export_saved_model`.
    """

    def __init__(self, translator, settings: SearchSettings, info, shortlist=None):
        super().__init__()
        model, tokenizer = translator.model, translator.tokenizer
        # The variables, not the Keras model, so that weights are stored once.
        self.weights = [variable.value for variable in model.weights]
        length = model.max_length
        self.source_tokenizer = GraphTokenizer(tokenizer.source_model, None, length)
        self.target_tokenizer = self.source_tokenizer
        if tokenizer.target_model is not None:
            is_shared = tokenizer.target_vocab_size is None
            self.target_tokenizer = GraphTokenizer(
                *(tokenizer.target_model, self.source_tokenizer if is_shared else None),
                max_length=length,
            )
        described = json.dumps(description(model, settings, info), ensure_ascii=False)
        self.info = graph_function(lambda: {"info": tf.constant(described)})
        writer = model
        if shortlist is not None:
            self.likely = tf.Variable(shortlist.likely, trainable=False)
            writer = ShortlistedModel(model, shortlist.frequent, self.likely)
        self._add_search(model, writer, settings)
        self._add_scores(model)

    # The functions are attributes of this object and the model is only in their
    # closures, so that the Keras model is not tracked.
    def _add_search(self, model, writer, settings: SearchSettings) -> None:
        all_settings = dataclasses.replace(settings, num_hypotheses=settings.num_rows)
        best = every = search_function(writer, settings)
        if all_settings != settings:
            every = search_function(writer, all_settings)
        # traced separately, because XLA compiles other operations
        self.search_compiled = ids_function(
            compiled_search(writer, settings), "source_ids"
        )
        self.translate = graph_function(
            lambda text: self._best(best(self._source_ids(text, model))), "text"
        )
        self.translate_compiled = graph_function(
            lambda text: self._best(
                self.search_compiled(self._source_ids(text, model))
            ),
            "text",
        )
        self.nbest = graph_function(
            lambda text: self._nbest(self._source_ids(text, model), every), "text"
        )
        self.attend = graph_function(
            lambda text: self._attend(text, model, best), "text"
        )

    def _add_scores(self, model) -> None:
        log_probs = ids_function(
            lambda source_ids, labels: token_log_probs(model, source_ids, labels),
            "source_ids",
            "labels",
        )

        def score(text, translation):
            pair = self._pairs(text, translation, model)
            return {"score": tf.reduce_sum(log_probs(*pair), axis=1)}

        def score_tokens(text, translation):
            source_ids, labels = self._pairs(text, translation, model)
            pieces = self.target_tokenizer.pieces(labels)
            return {"piece": pieces, "score": log_probs(source_ids, labels)}

        self.score = graph_function(score, "text", "translation")
        self.score_tokens = graph_function(score_tokens, "text", "translation")

    def _best(self, result):
        return {
            "translation": self.target_tokenizer.decode(result["token_ids"][:, 0]),
            "score": result["log_probs"][:, 0],
        }

    def _nbest(self, source_ids, every):
        result = every(source_ids)
        token_ids, scores = result["token_ids"], result["log_probs"]
        # for readers of JSON: no -inf for a text that has only one translation, ""
        num_tokens = tf.math.count_nonzero(source_ids != PAD_ID, axis=1, keepdims=True)
        scores = tf.where(num_tokens <= 1, 0.0, scores)
        # (B, N, L) to (B * N, L) and back
        rows = tf.reshape(token_ids, [-1, tf.shape(token_ids)[2]])
        texts = self.target_tokenizer.decode(rows)
        return {"translation": tf.reshape(texts, tf.shape(scores)), "score": scores}

    def _pairs(self, text, translation, model):
        source_ids = self._source_ids(text, model)
        labels = self.target_tokenizer.encode(translation)
        labels = checked_length(labels, "translation", model.max_length)
        num_texts, num_translations = tf.size(text), tf.size(translation)
        labels = checked(
            labels,
            tf.equal(num_texts, num_translations),
            "There must be as many translations as texts. Received texts and "
            "translations:",
            num_texts,
            num_translations,
        )
        return source_ids, labels

    def _attend(self, text, model, best):
        source_ids = self._source_ids(text, model)
        labels = best(source_ids)["token_ids"][:, 0]
        is_token = labels != PAD_ID
        longest = tf.reduce_max(tf.math.count_nonzero(is_token, axis=1, dtype=tf.int32))
        labels = labels[:, :longest]
        inputs = {"source_ids": source_ids, "target_ids": shift_right(labels)}
        return {
            "source": self.source_tokenizer.pieces(source_ids),
            "target": self.target_tokenizer.pieces(labels),
            **model.attend(inputs),
        }

    def _source_ids(self, text, model):
        source_ids = self.source_tokenizer.encode(text)
        return checked_length(source_ids, "text", model.max_length)


def description(model, settings: SearchSettings, info: dict) -> dict:
    """The JSON object of the `info` signature."""
    return {
        "tf_transformer": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "max_length": model.max_length,
        "parameters": model.count_params(),
        "search": dataclasses.asdict(settings),
        "signatures": sorted(["serving_default", *SIGNATURES]),
        **info,
    }


def checked_length(token_ids, name: str, max_length: int):
    """Returns the ids; raises an InvalidArgumentError if there are too many."""
    length = tf.shape(token_ids)[1]
    return checked(
        token_ids,
        length <= max_length,
        f"A {name} is longer than the model can read. Expected at most "
        f"{max_length} tokens, the end token counted. Received:",
        length,
    )


def checked(tensor, condition, *message):
    """Returns the tensor; raises InvalidArgumentError unless the condition is true."""
    with tf.control_dependencies([tf.debugging.Assert(condition, list(message))]):
        return tf.identity(tensor)
