"""docs/training.md: its program runs, and its commands parse."""

import re
import shlex
from pathlib import Path

import numpy as np
from keras import ops

from tf_transformer import cli

TEXT = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")


def test_vectors_are_used_frozen_weights_stay_and_lora_trains():
    *preparing, fitting = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)
    found = {}
    exec("".join(preparing), found)
    model, vectors = found["model"], found["vectors"]
    np.testing.assert_allclose(
        model.source_embedding(np.array([[7, 28]]))[0], vectors[[7, 28]], rtol=1e-5
    )
    dense = model.decoder.blocks[0].feed_forward.inner_dense
    frozen = [*model.encoder.weights, dense._kernel]
    trained = [dense.lora_kernel_b, *model.source_embedding.weights]
    before = [ops.convert_to_numpy(w).copy() for w in (*frozen, *trained)]
    exec(fitting, found)
    changed = [
        not np.array_equal(ops.convert_to_numpy(weight), value)
        for weight, value in zip((*frozen, *trained), before, strict=True)
    ]
    assert changed == [False] * len(frozen) + [True] * len(trained)


def test_commands_parse():
    text = TEXT.replace("\\\n", " ")
    commands = re.findall(r"^    tf-transformer (.*)$", text, flags=re.M)
    assert len(commands) == 3
    for command in commands:
        cli.make_parser().parse_args(shlex.split(command))
