"""Training with two forward passes of each batch."""

import keras

from tf_transformer.utils.keras_compat import loss_weights_of


class TwoPasses:
    """Computes a loss that compares two forward passes with different dropout.

    A base class for a Keras model, before `keras.Model`. If the loss has a method
    `consistency`, as `RDropCrossEntropy` has, each training batch passes through the
    model twice:

        loss = (loss of pass 1 + loss of pass 2) / 2 + consistency(pass 1, pass 2)

    Metrics are computed on pass 1. Validation makes one pass and reports its loss.
    Other losses are not affected. `SequenceModel` inherits from this class. Such a loss
    is the only one of the model, and has no `loss_weights`.

    Example:

    >>> import keras
    >>> from tf_transformer.training import RDropCrossEntropy
    >>> class Tagger(TwoPasses, keras.Model):
    ...     pass
    >>> ids = keras.Input((None,), dtype="int32")
    >>> vectors = keras.layers.Dropout(0.5)(keras.layers.Embedding(23, 8)(ids))
    >>> model = Tagger(ids, keras.layers.Dense(5)(vectors))
    >>> model.compile("adam", RDropCrossEntropy(alpha=2.0))
    >>> ones = keras.ops.ones((3, 7), dtype="int32")
    >>> history = model.fit(ones, ones, verbose=0)
    """

    loss = None

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Computes the loss of one pass, or of two if `loss` compares them.

        Args:
            x: Inputs.
            y: Labels.
            y_pred: The model's output for the inputs.
            sample_weight: Optional weights.
            training: Whether the model is trained.

        Returns:
            Scalar tensor.

        Raises:
            ValueError: If a loss that compares two passes is one of several losses, or
                has a weight.
        """
        consistency = self._consistency() if training else None
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)  # pyright: ignore[reportAttributeAccessIssue]
        if consistency is None:
            return loss
        second = self(x, training=True)  # pyright: ignore[reportCallIssue]
        loss_2 = super().compute_loss(x, y, second, sample_weight, training)  # pyright: ignore[reportAttributeAccessIssue]
        one_each = [single(part) for part in (y, y_pred, second, sample_weight)]
        return (loss + loss_2) / 2 + consistency(*one_each)

    def _consistency(self):
        losses = keras.tree.flatten(self.loss)
        found = [loss for loss in losses if hasattr(loss, "consistency")]
        if not found:
            return None
        weights = loss_weights_of(self)
        if len(losses) > 1 or weights is not None:
            raise ValueError(
                f"{type(found[0]).__name__} compares two passes of the whole model. "
                "Expected no other loss and no loss_weights. Received: "
                f"loss={self.loss!r}, loss_weights={weights!r}"
            )
        return found[0].consistency


def single(value):
    """The only element of a list or dictionary; anything else as it is."""
    if isinstance(value, dict):
        value = list(value.values())
    return value[0] if isinstance(value, list) and len(value) == 1 else value
