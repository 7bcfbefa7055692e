"""What all models from sentences to sentences have in common: their doors."""

import keras

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
        super().__init__(**kwargs)
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
        return {**super().get_config(), **self._arguments}
