"""Several models that translate as one."""

import math

import keras
from keras import ops

from tf_transformer.models.sequence_model import SequenceModel

OWN_ENTRIES = "position", "sentence", "hypothesis"


@keras.saving.register_keras_serializable(package="tf_transformer")
class Ensemble(SequenceModel):
    """Several models as one: the mean of their probabilities.

    With M models, each next token has the probability

        P(y_t | y_<t, x) = 1/M sum_m P_m(y_t | y_<t, x)

    Search, scoring and export use an ensemble like any other model. It usually
    translates better than each of its models, but computes all of them, so it is
    often a teacher:
    [Freitag et al., 2017](https://arxiv.org/abs/1702.01802).

    Args:
        models: List of `SequenceModel`s with the same vocabularies, such as those of
            several seeds. They keep their weights.

    Call arguments:
        inputs: Dictionary of ids, `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.
        training: Whether dropout is active.

    Returns:
        The logarithms of the mean probabilities, float32 `(B, T, V)`.

    Raises:
        ValueError: If there is no model, or the vocabularies differ in size.

    Example:

    >>> from tf_transformer import Transformer
    >>> models = [Transformer.from_preset("tiny", vocab_size=1500) for _ in range(2)]
    >>> ensemble = Ensemble(models)
    >>> ids = ops.ones((2, 7), dtype="int32")
    >>> ensemble({"source_ids": ids, "target_ids": ids[:, :5]}).shape
    TensorShape([2, 5, 1500])

    Shape letters: B batch, S source length, T target length, V target vocabulary.
    """

    def __init__(self, models, **kwargs):
        models = list(models)
        check_models(models)
        super().__init__({"models": models}, **kwargs)
        self.vocab_size = models[0].vocab_size
        self.target_vocab_size = models[0].target_vocab_size
        self.max_length = min(model.max_length for model in models)
        self.built = True

    def encode(self, source_ids, training=None):
        """Encodes the source with each model: `"models"`, and `"padding_mask"`."""
        encoded = [model.encode(source_ids, training) for model in self.models]
        return {"models": encoded, "padding_mask": encoded[0]["padding_mask"]}

    def decode(self, target_ids, encoded, training=None):
        """Predicts the next token at every position: ln P, float32 `(B, T, V)`."""
        pairs = zip(self.models, encoded["models"], strict=True)
        return mean_log_probs(
            [model.decode(target_ids, each, training) for model, each in pairs]
        )

    def start(self, encoded, max_length, beam_size=1):
        """Makes the first state for `step`, which contains a state of each model."""
        pairs = zip(self.models, encoded["models"], strict=True)
        states = [model.start(each, max_length, beam_size) for model, each in pairs]
        return _joined(states)

    def step(self, token_ids, state):
        """Reads one more token of each hypothesis and predicts the next.

        Args:
            token_ids: Integer tensor `(B * K,)`: the tokens at the state's position.
            state: Result of `start` or of the previous step.

        Returns:
            ln P, float32 `(B * K, V)`, and the next state.
        """
        pairs = zip(self.models, _separated(state), strict=True)
        results = [model.step(token_ids, each) for model, each in pairs]
        all_logits, states = zip(*results, strict=True)
        return mean_log_probs(all_logits), _joined(states)

    def attend(self, inputs):
        """Computes the attention weights of all models.

        Args:
            inputs: Dictionary of `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.

        Returns:
            Dictionary as that of each model; the layers of the first model come first.

        Raises:
            ValueError: If the models differ in their kinds of attention or in their
                numbers of heads.
        """
        maps = [model.attend(inputs) for model in self.models]
        kinds = [{kind: x.shape[2] for kind, x in each.items()} for each in maps]
        if any(each != kinds[0] for each in kinds):
            raise ValueError(
                "Attention maps of an ensemble need the same kinds of attention and "
                f"numbers of heads in each model. Received: {kinds}"
            )
        return {
            kind: ops.concatenate([each[kind] for each in maps], axis=1)
            for kind in maps[0]
        }

    def get_config(self):
        """The name and the models with their arguments."""
        serialize = keras.saving.serialize_keras_object
        config = keras.Model.get_config(self)
        return {**config, "models": [serialize(model) for model in self.models]}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the ensemble of a `get_config`."""
        models = [
            keras.saving.deserialize_keras_object(model, custom_objects)
            for model in config["models"]
        ]
        return cls(**{**config, "models": models})


def check_models(models: list) -> None:
    """Checks that models can be an ensemble.

    Raises:
        ValueError: If there is no model, or the vocabularies differ in size.
    """
    others = [x for x in models if not isinstance(x, SequenceModel)]
    if others or not models:
        raise ValueError(
            "An ensemble is made of models. Expected a list of Transformer or "
            f"RecurrentSeq2Seq. Received: {others or models}"
        )
    sizes = [(model.vocab_size, model.target_vocab_size) for model in models]
    if len(set(sizes)) > 1:
        raise ValueError(
            "The models of an ensemble predict the same tokens. Expected equal "
            f"vocab_size and target_vocab_size. Received: {sizes}"
        )


def mean_log_probs(all_logits):
    """The logarithm of the mean of softmax distributions.

    Args:
        all_logits: M float32 tensors `(..., V)`.

    Returns:
        float32 tensor `(..., V)`.

    Example: 0.2 and 0.6 for the first of two tokens.

    >>> import numpy as np
    >>> log_probs = mean_log_probs([np.log([0.2, 0.8]), np.log([0.6, 0.4])])
    >>> ops.exp(log_probs).numpy().round(6).tolist()
    [0.4, 0.6]
    """
    log_probs = [ops.log_softmax(logits, axis=-1) for logits in all_logits]
    return ops.logsumexp(ops.stack(log_probs), axis=0) - math.log(len(log_probs))


def _joined(states):
    """One state, as `SequenceModel` describes it, from those of the models."""
    return {
        "position": states[0]["position"],
        "sentence": [state["sentence"] for state in states],
        "hypothesis": [state["hypothesis"] for state in states],
        "others": [
            {name: x for name, x in state.items() if name not in OWN_ENTRIES}
            for state in states
        ],
    }


def _separated(state):
    """The states of the models from `_joined`."""
    parts = zip(state["sentence"], state["hypothesis"], state["others"], strict=True)
    return [
        {
            "position": state["position"],
            "sentence": sentence,
            "hypothesis": hypothesis,
            **others,
        }
        for sentence, hypothesis, others in parts
    ]
