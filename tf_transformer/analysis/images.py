"""Pictures of attention in TensorBoard during training."""

import os
import warnings
from collections.abc import Sequence

import keras

from tf_transformer.analysis.maps import attention_maps
from tf_transformer.analysis.pictures import picture_of_heads, png
from tf_transformer.data.corpus import check_pairs
from tf_transformer.inference.translator import Translator

DOTS_PER_INCH = 80


class AttentionImages(keras.callbacks.Callback):
    """Draws all heads after each epoch, for TensorBoard.

    The attention is computed with teacher forcing on the translations of the pairs, so
    that rows and columns stay the same from epoch to epoch. For each pair, numbered
    from 1, the event files contain

        attention_encoder/<pair>    encoder self-attention
        attention_decoder/<pair>    decoder self-attention
        attention_cross/<pair>      cross-attention

    if the model has this kind of attention. Training is not affected: if attention is
    not finite, a warning takes the place of the images. The callback may be used for
    several calls of `fit`; the step of an image is the number of its epoch.

    Args:
        folder: Folder of the event files.
        translator: The translator of the model that is trained.
        pairs: (source, target) sentences, at least one.

    Raises:
        ImportError: If matplotlib or TensorFlow is not installed.
        ValueError: If there are no pairs, an item is not a pair, and as in
            `attention_maps`.

    Example:

        images = AttentionImages("logs", tt.Translator(model, tokenizer), pairs[:2])
        model.fit(train, epochs=7, shuffle=False, callbacks=[images])
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        translator: Translator,
        pairs: Sequence[tuple[str, str]],
    ):
        super().__init__()
        pairs = check_pairs(pairs)
        if not pairs:
            raise ValueError(
                "There is nothing to draw. Expected at least one pair. Received: none"
            )
        self.translator = translator
        self.sources, self.targets = map(list, zip(*pairs, strict=True))
        # fail now, not after an epoch, if something is missing or does not fit
        picture_of_heads(self._maps()[0], "cross")
        import tensorflow as tf

        self._tf = tf
        self._folder = str(folder)
        self.writer = self._new_writer()

    def _new_writer(self):
        return self._tf.summary.create_file_writer(self._folder)

    def on_train_begin(self, logs=None):
        if self.writer is None:  # closed at the end of an earlier training
            self.writer = self._new_writer()

    def on_train_end(self, logs=None):
        self.writer.close()
        self.writer = None

    def on_epoch_end(self, epoch, logs=None):
        try:
            all_maps = self._maps()
        except ValueError as error:  # the same pairs could be drawn before the training
            warnings.warn(f"No attention of epoch {epoch + 1}: {error}", stacklevel=2)
            return
        with self.writer.as_default(step=epoch + 1):  # flushes at its end
            for number, maps in enumerate(all_maps, start=1):
                for kind in maps.kinds:
                    picture = png(picture_of_heads(maps, kind), DOTS_PER_INCH)
                    image = self._tf.io.decode_png(picture, channels=3)
                    self._tf.summary.image(f"attention_{kind}/{number}", image[None])

    def _maps(self):
        return attention_maps(self.translator, self.sources, self.targets)
