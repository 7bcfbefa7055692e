"""What all models from sentences to sentences have in common: their doors."""

import keras

from tf_transformer.data.epochs import NextEpoch
from tf_transformer.models.replicas import check_compiled


class SequenceModel(keras.Model):
    """A model that training, search, scoring and export know how to use.

    A model has `vocab_size`, `target_vocab_size`, `max_length`, and these doors:

        encode(source_ids, training=None)           -> {"states", "padding_mask"}
        decode(target_ids, encoded, training=None)  -> logits (teacher forcing)
        start(encoded, max_length, beam_size)       -> state
        step(token_ids, state)                      -> logits, state
        attend({"source_ids", "target_ids"})        -> attention weights by kind

    `model({"source_ids", "target_ids"})` is `decode` of `encode`. A state is
    `{"position": scalar, "sentence": {...}, "hypothesis": {...}}`: tensors under
    "sentence" have the leading axis B and are never reordered; tensors under
    "hypothesis" have B * K rows, K hypotheses of each sentence, and search reorders
    them.

    Args:
        arguments: Dictionary: the arguments that make this model. Each becomes an
            attribute.
        **kwargs: Those of `keras.Model`.
    """

    def __init__(self, arguments: dict, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})  # ids are never cast
        self._arguments = arguments
        for name, value in arguments.items():
            setattr(self, name, value)

    def compile(self, *args, **kwargs):
        """Keras' `compile`, which refuses what would be other updates than asked for.

        Raises:
            ValueError: If schedule and optimizer differ in
                `gradient_accumulation_steps`, or for what Keras does wrongly on
                several devices (see `models/replicas.py`).
        """
        super().compile(*args, **kwargs)
        check_compiled(self)
        if self.optimizer is not None and self.built:
            # else TensorFlow traces the first training step twice
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
        """Keras' `fit`. A dataset of `batches(...)` is checked and reordered.

        After each epoch such a dataset has the next order, and before the first one
        its lengths and ids are compared with what the model can read.

        Raises:
            ValueError: If a batch is longer than `max_length`, or has an id outside of
                the vocabulary.
        """
        for dataset in (x, kwargs.get("validation_data")):
            if hasattr(dataset, "batches"):
                dataset.batches.check_model(self)
        if hasattr(x, "batches") and not isinstance(x, keras.utils.PyDataset):
            next_epoch = NextEpoch(x.batches)
            if isinstance(callbacks, keras.callbacks.CallbackList):
                callbacks.append(next_epoch)
            else:
                callbacks = [*keras.tree.flatten(callbacks or []), next_epoch]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    def compile_from_config(self, config):
        """Compiles a loaded model as the saved one was."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        """Adds the random state of dropout, which Keras leaves out of its files."""
        super().save_own_variables(store)
        for i, variable in enumerate(self._random_state()):
            store[f"random_{i}"] = variable

    def load_own_variables(self, store):
        """Restores the random state of dropout where the file has it."""
        variables = self._random_state()
        names = [f"random_{i}" for i in range(len(variables))]
        if sorted(store.keys()) == sorted(names):
            for name, variable in zip(names, variables, strict=True):
                variable.assign(store[name])

    def _random_state(self) -> list:
        return [v for v in self.variables if v.path.endswith("seed_generator_state")]

    def export(self, filepath, *args, input_signature=None, **kwargs):
        """Keras' `export`, by default of ids of any batch size and length.

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

    def call(self, inputs, training=None):
        encoded = self.encode(inputs["source_ids"], training=training)
        return self.decode(inputs["target_ids"], encoded, training=training)

    def compute_output_spec(self, inputs, training=None):
        vocab_size = self.target_vocab_size or self.vocab_size
        return keras.KerasTensor(
            (*inputs["target_ids"].shape, vocab_size), dtype="float32"
        )

    def arguments(self) -> dict:
        """The arguments that make a model like this one."""
        return dict(self._arguments)

    def get_config(self):
        return {**super().get_config(), **self.arguments()}
