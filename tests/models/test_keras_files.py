"""`.keras` files and `export` work as with any Keras model, in a fresh process too."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import tf_transformer as tt
from tests.models.small_model import INPUTS, make_model, numbers
from tests.models.test_marian_options import MARIAN
from tests.training.small_runs import (
    arrays,
    compiled,
    differences,
    fit,
    shuffled,
    to_the_bit,
)
from tf_transformer.models import RecurrentSeq2Seq
from tf_transformer.utils import registration

ROOT = Path(__file__).parents[2]


def test_every_registered_class_has_its_placeholder():
    for module in registration.MODULES:
        __import__(f"tf_transformer.{module}")
    registered = {
        name.partition(">")[2]
        for name, value in keras.saving.get_custom_objects().items()
        if name.startswith("tf_transformer>")
        and value.__module__.startswith("tf_transformer.")
        and value.__module__ != registration.__name__
    }
    assert registered == set(registration.NAMES)


def layers_of_every_kind():
    """Functional models that have all public layers with weights."""
    layers = tt.layers
    source, target = (keras.Input((n,), dtype="int32") for n in (7, 5))
    embedding = layers.TokenEmbedding(vocab_size=23, d_model=8)
    x, y = embedding(source), embedding(target)
    positions = layers.PositionalEncoding(max_length=11, learned=True)
    encoded = layers.Encoder(num_layers=1, d_model=8, num_heads=2, d_ff=13)(x)
    decoded = layers.Decoder(num_layers=1, d_model=8, num_heads=2, d_ff=13)(
        positions(y), encoded
    )
    decoded = layers.SSRUDecoder(num_layers=1, d_model=8, num_heads=2, d_ff=13)(
        decoded, encoded
    )
    mixed = layers.MultiHeadAttention(d_model=8, num_heads=4)(decoded, encoded)
    return {
        "layers": keras.Model(
            [source, target], layers.FeedForward(d_model=8, d_ff=17)(mixed)
        )
    }


READER = """
import sys
{imports}
import numpy as np
for name in sys.argv[1:]:
    data = np.load(name + ".npz")
    model = keras.saving.load_model(name + ".keras")
    inputs = [data["source_ids"], data["target_ids"]]
    if name.endswith("model"):
        inputs = dict(source_ids=inputs[0], target_ids=inputs[1])
    found = keras.ops.convert_to_numpy(model(inputs))
    np.testing.assert_allclose(found, data["outputs"], rtol=1e-4, atol=1e-5)
    steps = int(model.optimizer.iterations) if model.compiled else None
    print(type(model).__name__, model.compiled, steps)
    model.save(name + "_again.keras")
    again = keras.saving.load_model(name + "_again.keras")
    assert again.get_config() == model.get_config()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        pytest.param("import tf_transformer as tt, keras", marks=pytest.mark.full),
        "import keras; import tf_transformer",
    ],
)
def test_a_fresh_process_loads_models_and_layers(tmp_path, imports):
    trained = compiled(optimizer=tt.Adam(tt.TransformerSchedule(12, warmup_steps=5)))
    fit(trained, shuffled(), 0, 2)
    models = {
        "trained_model": trained,
        "recurrent_model": RecurrentSeq2Seq(23, d_model=8, score="additive"),
        "marian_model": make_model(**MARIAN),
        **layers_of_every_kind(),
    }
    for name, model in models.items():
        ids = dict(INPUTS)
        if name == "layers":
            ids = {
                key: np.resize(ids[key], (3, n))
                for key, n in zip(ids, (7, 5), strict=True)
            }
        inputs = list(ids.values()) if name == "layers" else ids
        model.save(tmp_path / f"{name}.keras")
        np.savez(tmp_path / f"{name}.npz", **ids, outputs=numbers(model(inputs)))
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            READER.format(imports=imports),
            *(str(tmp_path / name) for name in models),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    updates = int(trained.optimizer.iterations)
    assert updates > 0
    assert result.stdout.splitlines() == [
        f"Transformer True {updates}",
        "RecurrentSeq2Seq False None",
        "Transformer False None",
        "Functional False None",
    ]


@to_the_bit
@pytest.mark.long
def test_a_loaded_model_continues_training_exactly(tmp_path):
    whole = compiled()
    fit(whole, shuffled(), 0, 3)
    first = compiled()
    path = str(tmp_path / "x.keras")
    fit(first, shuffled(), 0, 2, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    second = keras.saving.load_model(path)
    assert second.compiled
    assert int(second.optimizer.iterations) == int(first.optimizer.iterations) > 0
    fit(second, shuffled(2), 2, 3)
    # names of seed generators and optimizers are counted on in a process
    found = dict(zip(arrays(whole), arrays(second).values(), strict=True))
    assert differences(arrays(whole), found) == []


@pytest.mark.moderate
def test_weights_of_a_model_with_another_dropout_can_be_loaded(tmp_path):
    path = tmp_path / "x.weights.h5"
    saved = make_model(dropout_rate=0.2)
    saved.save_weights(path)
    model = make_model(dropout_rate=0.0)
    for weight in model.weights:
        weight.assign(weight + 1.0)
    model.load_weights(path)
    for one, other in zip(model.weights, saved.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(other))


@pytest.mark.needs_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [make_model, lambda: RecurrentSeq2Seq(23, d_model=8)],
    ids=["transformer", "recurrent"],
)
def test_export_takes_ids_of_any_length(tmp_path, make):
    import tensorflow as tf

    model = make()
    model.export(tmp_path / "exported", verbose=False)
    signature = tf.saved_model.load(tmp_path / "exported").signatures["serving_default"]
    _, arguments = signature.structured_input_signature
    assert {
        name: (spec.shape.as_list(), spec.dtype) for name, spec in arguments.items()
    } == {name: ([None, None], tf.int32) for name in ("source_ids", "target_ids")}
    found = signature(**{name: tf.constant(ids) for name, ids in INPUTS.items()})
    (found,) = found.values()
    np.testing.assert_allclose(found, numbers(model(INPUTS)), rtol=1e-4, atol=1e-5)


@pytest.mark.moderate
@pytest.mark.parametrize("kind", ["transformer", "recurrent"])
def test_frozen_parts_stay_frozen_in_saved_and_cloned_models(kind, tmp_path):
    if kind == "transformer":
        model = make_model(num_layers=2)
        model.encoder.trainable = False
        model.encoder.blocks[1].trainable = True
        model.decoder.blocks[0].feed_forward.inner_dense.bias.trainable = False
    else:
        model = RecurrentSeq2Seq(vocab_size=29, num_layers=1, d_model=12)
        model.encoder.trainable = False
    model.compile(tt.Adam(1e-3), tt.MaskedCrossEntropy())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    trained = [weight.path for weight in model.trainable_weights]
    assert 0 < len(trained) < len(model.weights)
    for other in (loaded, keras.models.clone_model(model)):
        assert [weight.path for weight in other.trainable_weights] == trained
        assert not other.encoder.trainable
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)


@pytest.mark.parametrize("frozen_first", [False, True])
def test_freezing_after_compile_is_an_error_that_names_the_rule(frozen_first):
    model = make_model()
    model.encoder.trainable = not frozen_first
    model.compile(tt.Adam(1e-3), tt.MaskedCrossEntropy())
    model.encoder.trainable = frozen_first
    with pytest.raises(ValueError, match="after `compile`.*weights to train"):
        model.fit(INPUTS, INPUTS["target_ids"], verbose=0)
    with pytest.raises(ValueError, match="after `compile`"):
        model.train_on_batch(INPUTS, INPUTS["target_ids"])
