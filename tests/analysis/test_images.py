"""Pictures of attention in TensorBoard, drawn with each epoch's weights."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.analysis.small_maps import PAIRS, small_translator
from tf_transformer.analysis.images import DOTS_PER_INCH, AttentionImages
from tf_transformer.analysis.maps import attention_maps
from tf_transformer.analysis.pictures import picture_of_heads, png
from tf_transformer.data.datasets import batches
from tf_transformer.inference.translator import Translator
from tf_transformer.models import RecurrentSeq2Seq, Transformer
from tf_transformer.runs.callbacks import attention_images
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.telemetry import Telemetry
from tf_transformer.training.tensorboard import TensorBoardLog

pytestmark = pytest.mark.needs_tensorflow  # TensorBoard


def translator_to_train():
    tokenizer = small_translator().tokenizer
    keras.utils.set_random_seed(5)
    model = Transformer(
        tokenizer.vocab_size, num_layers=1, d_model=6, num_heads=2, d_ff=7
    )
    model.compile(
        keras.optimizers.Adam(0.1), loss=MaskedCrossEntropy(), run_eagerly=True
    )
    return Translator(model, tokenizer)


def train(translator, *callbacks):
    data = batches(PAIRS, translator.tokenizer, batch_tokens=64)
    translator.model.fit(
        data, epochs=2, shuffle=False, verbose=0, callbacks=list(callbacks)
    )


def images_of(folder):
    """What is shown: dictionary from tag to dictionary from step to pixels."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    shown = {}
    for tag in events.Tags()["tensors"]:
        shown[tag] = {}
        for event in events.Tensors(tag):
            _, _, image = tf.make_ndarray(event.tensor_proto)
            shown[tag][event.step] = tf.io.decode_png(image).numpy()
    return shown


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("logs")
    translator = translator_to_train()
    train(translator, AttentionImages(folder, translator, PAIRS[1:]))
    return translator, images_of(folder)


@pytest.mark.slow
def test_each_epoch_shows_all_kinds_of_attention_of_each_pair(watched):
    _, shown = watched
    kinds = ("encoder", "decoder", "cross")
    assert shown.keys() == {f"attention_{kind}/{i}" for kind in kinds for i in (1, 2)}
    for images in shown.values():
        assert images.keys() == {1, 2}
        assert images[1].shape == images[2].shape  # for TensorBoard's slider
        assert (images[1] != images[2]).any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder", "cross"])
def test_last_images_are_those_of_the_trained_model(watched, kind):
    translator, shown = watched
    source, target = PAIRS[2]
    (maps,) = attention_maps(translator, [source], [target])
    expected = tf.io.decode_png(
        png(picture_of_heads(maps, kind), DOTS_PER_INCH), channels=3
    )
    np.testing.assert_array_equal(shown[f"attention_{kind}/2"][2], expected)


@pytest.mark.slow
def test_training_is_bit_for_bit_the_same(watched):
    alone = translator_to_train()
    train(alone)
    for one, other in zip(
        alone.model.get_weights(), watched[0].model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.moderate
def test_missing_attention_is_an_error_before_the_training(tmp_path, monkeypatch):
    translator = small_translator()
    with pytest.raises(ValueError, match="at least one pair. Received: none"):
        AttentionImages(tmp_path, translator, [])
    with pytest.raises(ValueError, match=r"Expected \(source, target\)"):
        AttentionImages(tmp_path, translator, [{"source": "a", "target": "a"}])
    model = RecurrentSeq2Seq(translator.model.vocab_size, d_model=6, score=None)
    blind = Translator(model, translator.tokenizer)
    with pytest.raises(ValueError, match="The model has no attention"):
        AttentionImages(tmp_path, blind, PAIRS)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"tf_transformer\[pictures\]"):
        AttentionImages(tmp_path, translator, PAIRS)
    assert list(tmp_path.iterdir()) == []


def steps_of(folder):
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tuple(event.step for event in events.Tensors(tag))
        for tag in events.Tags()["tensors"]
    }


@pytest.mark.moderate
def test_callbacks_write_in_every_fit(tmp_path):
    """The model that is fitted need not be the one that is drawn."""
    pytest.importorskip("matplotlib")
    x, y = np.ones((5, 3), "float32"), np.ones((5, 2), "float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse", run_eagerly=True)
    callbacks = {
        "images": AttentionImages(tmp_path / "images", small_translator(), PAIRS[:1]),
        "log": TensorBoardLog(tmp_path / "log"),
        "telemetry": Telemetry(tmp_path / "telemetry", (x, y, np.ones(5)), every=1),
    }
    for first, last in ((0, 1), (1, 2)):
        model.fit(
            x,
            y,
            initial_epoch=first,
            epochs=last,
            verbose=0,
            callbacks=list(callbacks.values()),
        )
        for name in callbacks:
            assert steps_of(tmp_path / name) == {tuple(range(1, last + 1))}, name


def test_attention_that_is_not_finite_does_not_end_the_training(tmp_path):
    pytest.importorskip("matplotlib")
    translator = translator_to_train()
    images = AttentionImages(tmp_path, translator, PAIRS[:1])
    for weight in translator.model.weights:
        weight.assign(np.full(weight.shape, np.nan))
    with pytest.warns(UserWarning, match="epoch 7: The attention is not finite"):
        images.on_epoch_end(6)
    assert steps_of(tmp_path) == set()


class Run:
    def __init__(self, folder):
        self.logs = folder


class Corpus:
    unfit = (("", "아무것도 아니다"), ("a " * 61, "a"), ("a", " "), ("a", "a " * 61))
    validation = (*unfit[:3], PAIRS[2], unfit[3], PAIRS[0], PAIRS[1])


def test_a_run_draws_its_first_validation_pairs_that_fit(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    arguments = Run(tmp_path), Corpus, small_translator()
    assert attention_images(TrainingConfig(), *arguments) == []
    config = TrainingConfig(attention_images=2)
    (images,) = attention_images(config, *arguments)
    assert images.sources == [PAIRS[2][0], PAIRS[0][0]]
    assert images.targets == [PAIRS[2][1], PAIRS[0][1]]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ValueError, match=r"tf_transformer\[pictures\]"):
        attention_images(config, *arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention_images": -1}, "must not be negative. Received: -1"),
        (
            {"attention_images": 3, "architecture": "recurrent", "score": "none"},
            "no attention to draw.*score='none', attention_images=3",
        ),
    ],
)
def test_wrong_number_of_images_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**changes).resolved()
