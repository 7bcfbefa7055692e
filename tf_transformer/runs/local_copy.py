"""Translation during a training on several devices."""

import contextlib

import keras

from tf_transformer.inference.translator import Translator
from tf_transformer.utils.processes import is_first_process, local_array


class LocalCopy(Translator):
    """Translates with a copy of a model on one device of the first process.

    A model that is trained under a `keras.distribution` is on several devices; search
    uses one. In processes other than the first one, all translations are empty.

    Args:
        model: The model that is trained.
        tokenizer: Its tokenizer.
    """

    def __init__(self, model, tokenizer):
        with no_distribution():
            copy = type(model)(**model.arguments(), dtype=model.dtype_policy)
        super().__init__(copy, tokenizer)
        self._original = model

    def __call__(self, texts, *arguments, **settings):
        if not is_first_process():
            return [""] * len(texts)
        with no_distribution():
            weights = zip(self.model.weights, self._original.weights, strict=True)
            for variable, original in weights:
                variable.assign(local_array(original))
            return super().__call__(texts, *arguments, **settings)


@contextlib.contextmanager
def no_distribution():
    """Creates new models on one device inside the `with` statement."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
