"""A small translator with arbitrary translations, for tests of exports."""

import keras
import numpy as np
import tensorflow as tf

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.saved_model import ServableTranslator, export_saved_model
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.translator import Translator
from tf_transformer.models import Transformer

PAIRS = [
    ("a cat sat on the mat", "고양이가 매트에 앉았다"),
    ("the dog ran to the park", "그 개는 공원으로 달렸다"),
    ("I am a student", "나는 학생이다"),
    ("birds fly over the old house", "새들이 낡은 집 위로 난다"),
]
TEXTS = [
    "a cat ran",
    "",
    "I am a student on the old mat, the mat of the dog",
    "   ",
    "완전히 다른 글자 ★",
]
MAX_LENGTH = 61
BEAM_SIZE = 4


def make_translator(shared=True, dtype="float32", tokenizer=None, **changes):
    """A `Translator` whose model has random weights, with one vocabulary or two."""
    keras.utils.set_random_seed(3)
    tokenizer = tokenizer or Tokenizer.train(PAIRS, vocab_size=330, shared=shared)
    model = Transformer(
        tokenizer.vocab_size,
        num_layers=2,
        d_model=12,
        num_heads=3,
        d_ff=17,
        max_length=MAX_LENGTH,
        target_vocab_size=tokenizer.target_vocab_size,
        dtype=dtype,
        **changes,
    )
    # larger weights than at the start, so that the translations differ
    generator = np.random.default_rng(5)
    model.set_weights(
        [w + 0.4 * generator.standard_normal(w.shape) for w in model.get_weights()]
    )
    return Translator(model, tokenizer)


def export_toy(folder):
    """Exports the translator to `folder/toy/1`."""
    settings = SearchSettings(beam_size=BEAM_SIZE)
    info = {"languages": ["en", "ko"]}
    export_saved_model(make_translator(), folder / "toy" / "1", settings, info)


def save_signatures(translator, settings, path, *names, info=None):
    """Exports `serving_default` and these signatures: to trace all takes long."""
    servable = ServableTranslator(translator, settings, info or {})
    module = tf.Module()
    module.weights = servable.weights
    module.tokenizers = [servable.source_tokenizer, servable.target_tokenizer]
    signatures = {name: getattr(servable, name) for name in ("translate", *names)}
    tf.saved_model.save(
        module,
        str(path),
        signatures={"serving_default": servable.translate, **signatures},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def add_lora(model):
    """LoRA with large changes in the embedding and in a feed-forward network."""
    model.target_embedding.enable_lora(rank=2)
    add_lora_to_dense(model)


def add_lora_to_dense(model):
    """LoRA with large changes in a feed-forward network."""
    generator = np.random.default_rng(8)
    dense = model.decoder.blocks[1].feed_forward.inner_dense
    dense.enable_lora(rank=2, lora_alpha=3)
    for weight in model.trainable_weights:
        if "lora" in weight.name:
            weight.assign(0.7 * generator.standard_normal(weight.shape))
