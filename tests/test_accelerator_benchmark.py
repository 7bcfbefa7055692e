"""The work of the accelerator benchmark, and that it runs without TensorFlow."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tf_transformer import Transformer
from tf_transformer.models import PRESETS

ROOT = Path(__file__).parents[1]
ACCELERATOR = ROOT / "benchmarks" / "accelerator"
MODULES = ("shared", "workload", "torch_model", "main", "turns", "work")
HIDE_TENSORFLOW = (
    "import sys\n"
    "from tests.backends.without_tensorflow import Hiding\n"
    "sys.meta_path[:] = map(Hiding, sys.meta_path)\n"
)


@pytest.fixture
def accelerator(monkeypatch):
    monkeypatch.syspath_prepend(str(ACCELERATOR))
    importlib.import_module("shared")  # which lets `work` be found
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def skip_without(*names):
    for name in names:
        if importlib.util.find_spec(name) is None:
            pytest.skip(
                f"{name} is not installed: pip install 'tf_transformer[{name}]'"
            )


def test_models_are_the_presets(accelerator):
    import workload

    for name, sizes in workload.MODELS.items():
        assert sizes.items() <= PRESETS[name].items()


def test_training_batches_have_one_shape_and_teach_the_next_token(accelerator):
    import shared
    import workload

    batches = workload.training_batches("tiny", 300)
    assert len(batches) == workload.NUM_BATCHES
    for source_ids, target_ids, labels in batches:
        shape = (300 // workload.LENGTH, workload.LENGTH)
        assert source_ids.shape == target_ids.shape == labels.shape == shape
        assert (target_ids[:, 0] == shared.BOS_ID).all()
        real = labels[:, 1:] != workload.PAD_ID
        np.testing.assert_array_equal(target_ids[:, 1:][real], labels[:, :-1][real])
        for ids in (source_ids, labels):
            lengths = (ids != workload.PAD_ID).sum(1)
            assert lengths.min() >= workload.SHORTEST
            assert (ids[np.arange(len(ids)), lengths - 1] == shared.EOS_ID).all()
            assert ids.max() < workload.VOCAB_SIZES["tiny"]


def test_sources_to_translate_have_one_shape(accelerator):
    import workload

    for batch_size in (1, 3, 32):
        batches = workload.decoding_batches("tiny", batch_size)
        shapes = {ids.shape for ids in batches}
        assert shapes == {(batch_size, workload.SOURCE_LENGTH)}
        lengths = (np.concatenate(batches) != workload.PAD_ID).sum(1)
        assert (np.diff(lengths) >= 0).all() and lengths.min() > 1


def test_operations_are_those_of_the_speed_benchmark(accelerator):
    import work
    import workload

    batch = workload.training_batches("tiny", 1000)[0]
    for name, sizes in work.MODELS.items():
        found = workload.training_operations(sizes, work.VOCAB_SIZE, batch)
        assert found == pytest.approx(work.training_operations(name, [batch]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "huge"], "invalid choice: 'huge'"),
        (["--peak", "0"], "--peak: must be above 0. Received: 0"),
        (["--rounds", "-1"], "--rounds: must be above 0. Received: -1"),
        (["--batch-tokens", "63"], "--batch-tokens must be at least 64"),
        (["--python", "numpy=/bin/python"], "--python takes PACKAGE=PATH"),
    ],
)
def test_wrong_options_are_refused(accelerator, capsys, options, message):
    import main

    with pytest.raises(SystemExit):
        main.parsed(options)
    assert message in capsys.readouterr().err


def copy_weights(ours, theirs):
    """Gives PyTorch's model the weights of ours."""
    import torch

    def put(tensor, *arrays):
        arrays = [keras.ops.convert_to_numpy(array).T for array in arrays]
        tensor.copy_(torch.from_numpy(np.concatenate(arrays)))

    def put_linear(module, *layers):
        put(module.weight, *(layer.kernel for layer in layers))
        put(module.bias, *(layer.bias for layer in layers))

    def put_attention(module, layer):
        inputs = (layer.query_dense, layer.key_dense, layer.value_dense)
        put_linear(module.inputs, *inputs)
        put_linear(module.output, layer.output_dense)

    with torch.no_grad():
        put(theirs.embedding.weight, keras.ops.transpose(ours.source_embedding.table))
        for stack in ("encoder", "decoder"):
            blocks = getattr(ours, stack).blocks
            for module, block in zip(getattr(theirs, stack), blocks, strict=True):
                put_attention(module.self_attention, block.self_attention)
                norms = [block.self_attention_norm, block.feed_forward_norm]
                if stack == "decoder":
                    put_attention(module.cross_attention, block.cross_attention)
                    norms.insert(1, block.cross_attention_norm)
                put_linear(module.feed_forward[0], block.feed_forward.inner_dense)
                put_linear(module.feed_forward[2], block.feed_forward.outer_dense)
                for their_norm, norm in zip(module.norms, norms, strict=True):
                    put(their_norm.weight, norm.gamma)
                    put(their_norm.bias, norm.beta)


@pytest.mark.slow
def test_the_model_of_pytorch_computes_what_ours_computes(accelerator):
    skip_without("torch")
    import torch
    import workload
    from torch_model import Transformer as TorchTransformer

    sizes = {"num_layers": 2, "d_model": 24, "num_heads": 3, "d_ff": 40}
    vocab_size, length = workload.VOCAB_SIZES["tiny"], workload.LENGTH
    ours = Transformer(vocab_size, max_length=length, **sizes)
    random = np.random.default_rng(1)
    for weight in ours.weights:
        noise = 0.1 * random.standard_normal(weight.shape).astype("float32")
        weight.assign(weight + noise)
    theirs = TorchTransformer(vocab_size, sizes, 0.1, length, pad_id=workload.PAD_ID)
    copy_weights(ours, theirs.eval())
    source_ids, target_ids, labels = workload.training_batches("tiny", 256)[0]
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    expected = keras.ops.convert_to_numpy(ours(inputs))
    ids = [torch.from_numpy(array).long() for array in (source_ids, target_ids)]
    with torch.no_grad():
        found = theirs(*ids).numpy()
    real = labels != workload.PAD_ID
    np.testing.assert_allclose(found[real], expected[real], atol=1e-4)
    assert np.abs(expected).max() > 0.5


@pytest.mark.slow
@pytest.mark.full
def test_it_runs_without_tensorflow(tmp_path):
    skip_without("jax", "torch")
    (tmp_path / "sitecustomize.py").write_text(HIDE_TENSORFLOW)
    options = ["--models", "tiny", "--rounds", "1", "--batch-tokens", "256"]
    options += ["--steps", "1", "--batch-sizes", "2", "--peak", "2"]
    options += ["--compiler", "eager", "--folder", str(tmp_path)]
    path = (tmp_path, ROOT, os.environ.get("PYTHONPATH", ""))
    result = subprocess.run(
        [sys.executable, str(ACCELERATOR / "main.py"), *options],
        env={
            **os.environ,
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "| tf_transformer on JAX |" in result.stdout
    found = json.loads((tmp_path / "accelerator.json").read_text(encoding="utf-8"))
    ours, theirs = found["training"]
    assert ours["weights"] == theirs["weights"]
    assert ours["loss"] == pytest.approx(theirs["loss"], abs=0.3)
    for row in (ours, theirs):
        assert row["tokens/s"] > 0
        assert row["MFU"] == pytest.approx(row["TFLOP/s"] / 2)
    our_rows = [row for row in found["decoding"] if "JAX" in row["who"]]
    assert [row["beam"] for row in our_rows] == [1, 4]
    for row in our_rows:
        assert row["tokens"] == 8 * row["steps"]
