"""The interface of all sequence-to-sequence models."""

import abc
from collections.abc import Mapping
from typing import Any

import keras

from tf_transformer.data.batching import EpochBatches
from tf_transformer.data.epochs import FirstEpoch, NextEpoch
from tf_transformer.layers.quantized import give_own_policies, quantized_dtype
from tf_transformer.models.frozen import check_trained, freeze, frozen_parts
from tf_transformer.models.replicas import check_compiled
from tf_transformer.models.two_passes import TwoPasses
from tf_transformer.utils.keras_compat import all_layers

Tensor = Any  # of the current Keras backend
State = dict[str, Any]


class SequenceModel(TwoPasses, keras.Model, abc.ABC):
    """Base class of all models. Training, search, scoring and export use its methods.

    A subclass defines `encode`, `decode`, `start`, `step` and `attend`. Calling the
    model with `{"source_ids": ..., "target_ids": ...}` encodes the source and decodes
    the whole target at once (teacher forcing).

    The state of a search is a dictionary of `"position"` (a scalar) and dictionaries
    of tensors. Tensors in `"sentence"` have B rows and are never reordered. Tensors in
    `"hypothesis"` have B * K rows, one for each of the K hypotheses of a sentence, and
    beam search reorders them. Other entries are passed on from step to step. The steps
    of a search follow each other: in TensorFlow's plain graph the tensors of a
    hypothesis may become longer with each step.

    Args:
        arguments: Dictionary of the constructor's arguments. Each becomes an
            attribute, among them `vocab_size`, `target_vocab_size` (or `None`) and
            `max_length`.
        **kwargs: The arguments of `keras.Model`.

    Example: a subclass must define all five methods.

    >>> sorted(SequenceModel.__abstractmethods__)
    ['attend', 'decode', 'encode', 'start', 'step']

    Shape letters: B batch, S source length, T target length, V target vocabulary,
    K hypotheses of a sentence.
    """

    vocab_size: int
    target_vocab_size: int | None
    max_length: int

    def __init__(self, arguments: dict, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})  # ids are never cast
        self._arguments = arguments
        for name, value in arguments.items():
            setattr(self, name, value)

    def compile(self, *args, **kwargs):
        """Compiles as Keras does, and checks the optimizer's settings.

        Raises:
            ValueError: If schedule and optimizer differ in
                `gradient_accumulation_steps`, or if Keras would compute wrong updates
                on several devices (see `models/replicas.py`).
        """
        super().compile(*args, **kwargs)
        check_compiled(self)
        is_built = all(layer.built for layer in all_layers(self))
        if self.optimizer is not None and is_built:
            # otherwise TensorFlow traces the first training step twice
            self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        **kwargs,
    ):
        """Trains as Keras' `fit` does, with two additions for `batches(...)`.

        Before the first epoch, the lengths and ids of the dataset are checked. After
        each epoch, the dataset moves on to its next order; a new dataset begins with
        the order of the first epoch of this `fit`.

        Raises:
            ValueError: If a batch is longer than `max_length`, or contains an id
                outside the vocabulary, and for `class_weight`.
        """
        _refuse_class_weight(kwargs.get("class_weight"))
        check_trained(self)
        for dataset in (x, kwargs.get("validation_data")):
            if _has_our_batches(dataset):
                dataset.batches.check_model(self)
        if _has_our_batches(x):
            # a PyDataset moves to the next epoch itself
            kind = FirstEpoch if isinstance(x, keras.utils.PyDataset) else NextEpoch
            if isinstance(callbacks, keras.callbacks.CallbackList):
                callbacks.append(kind(x.batches))
            else:
                callbacks = [*keras.tree.flatten(callbacks or []), kind(x.batches)]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    def train_on_batch(
        self, x, y=None, sample_weight=None, class_weight=None, return_dict=False
    ):
        """Makes one update as Keras' `train_on_batch` does.

        Raises:
            ValueError: For `class_weight`.
        """
        _refuse_class_weight(class_weight)
        check_trained(self)
        return super().train_on_batch(x, y, sample_weight, None, return_dict)

    def compile_from_config(self, config):
        """Compiles a loaded model with the saved settings."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save(self, *args, **kwargs):
        """Saves as Keras does, but writes nothing if the model cannot be saved."""
        self.get_config()
        super().save(*args, **kwargs)

    def save_own_variables(self, store):
        """Adds the random state of dropout, which Keras leaves out of its files."""
        super().save_own_variables(store)
        for i, variable in enumerate(self._random_state()):
            store[f"random_{i}"] = variable

    def load_own_variables(self, store):
        """Restores the random state of dropout if the file contains it."""
        variables = self._random_state()
        names = [f"random_{i}" for i in range(len(variables))]
        if sorted(store.keys()) == sorted(names):
            for name, variable in zip(names, variables, strict=True):
                variable.assign(store[name])

    def _random_state(self) -> list:
        return [v for v in self.variables if v.path.endswith("seed_generator_state")]

    def export(self, filepath, *args, input_signature=None, **kwargs):
        """Exports as Keras does, by default for ids of any batch size and length.

        See `tf_transformer.export_saved_model` for an export from text to text.
        """
        if input_signature is None:
            input_signature = [
                {
                    name: keras.InputSpec("int32", (None, None), name=name)
                    for name in ("source_ids", "target_ids")
                }
            ]
        super().export(filepath, *args, input_signature=input_signature, **kwargs)

    @abc.abstractmethod
    def encode(self, source_ids: Tensor, training: bool | None = None) -> State:
        """Encodes the source sentences.

        Args:
            source_ids: Integer tensor `(B, S)`; 0 is padding.
            training: Whether dropout is active.

        Returns:
            Dictionary of tensors, among them `"padding_mask"` `(B, S)`.
        """

    @abc.abstractmethod
    def decode(
        self, target_ids: Tensor, encoded: State, training: bool | None = None
    ) -> Tensor:
        """Predicts the next token at every position (teacher forcing).

        Args:
            target_ids: Integer tensor `(B, T)` that begins with the begin token.
            encoded: Result of `encode`.
            training: Whether dropout is active.

        Returns:
            Logits `(B, T, V)`, at least float32.
        """

    @abc.abstractmethod
    def start(self, encoded: State, max_length: int, beam_size: int = 1) -> State:
        """Makes the first state for `step`.

        Args:
            encoded: Result of `encode` for B sentences.
            max_length: Integer or scalar tensor: maximum number of steps.
            beam_size: Integer K.

        Returns:
            A state.
        """

    @abc.abstractmethod
    def step(self, token_ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Reads one more token of each hypothesis and predicts the next.

        Args:
            token_ids: Integer tensor `(B * K,)`.
            state: Result of `start` or of the previous step.

        Returns:
            Logits `(B * K, V)`, at least float32, and the next state.
        """

    @abc.abstractmethod
    def attend(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Computes attention weights with teacher forcing.

        Args:
            inputs: Dictionary of `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.

        Returns:
            Dictionary of float32 tensors (batch, layer, head, query, key). Keys are
            `"encoder"`, `"decoder"` and `"cross"`, if the model has this attention.
        """

    def call(self, inputs, training=None):
        source_ids, target_ids = _both_ids(inputs)
        encoded = self.encode(source_ids, training=training)
        return self.decode(target_ids, encoded, training=training)

    def compute_output_spec(self, inputs, training=None):
        _, target_ids = _both_ids(inputs)
        vocab_size = self.target_vocab_size or self.vocab_size
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        return keras.KerasTensor((*target_ids.shape, vocab_size), dtype=dtype)

    def arguments(self) -> dict:
        """The constructor's arguments, to make another model of the same kind."""
        return dict(self._arguments)

    def get_config(self):
        """The constructor's arguments, and what is quantized or frozen.

        Raises:
            ValueError: If layers have 4 bits, which Keras would not restore.
        """
        config = {**super().get_config(), **self.arguments(), **quantized_dtype(self)}
        frozen = frozen_parts(self)
        return {**config, "frozen": frozen} if frozen else config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the model of a `get_config`; what was frozen is frozen again."""
        config = dict(config)
        frozen = config.pop("frozen", None)
        model = super().from_config(config, custom_objects)
        give_own_policies(model)
        if frozen is not None:
            freeze(model, **frozen)
        return model


def _both_ids(inputs) -> tuple:
    """The source and target ids of a dictionary of inputs."""
    names = ("source_ids", "target_ids")
    is_dictionary = isinstance(inputs, Mapping)
    if not is_dictionary or not set(names) <= set(inputs):
        received = sorted(inputs) if is_dictionary else type(inputs).__name__
        raise ValueError(
            "A model takes a dictionary of ids. Expected the keys source_ids (B, S) "
            f"and target_ids (B, T). Received: {received}"
        )
    return tuple(inputs[name] for name in names)


def _refuse_class_weight(class_weight) -> None:
    if class_weight is not None:
        raise ValueError(
            "Keras would weight a sentence by the position of its largest label. "
            "Expected sample_weight (B, T), the weights of the tokens. Received: "
            f"class_weight={class_weight}"
        )


def _has_our_batches(dataset) -> bool:
    """Whether a dataset was made by `tf_transformer.data.batches`."""
    return isinstance(getattr(dataset, "batches", None), EpochBatches)
