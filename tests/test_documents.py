"""Documents: their examples run, and what they link to exists."""

import re
from pathlib import Path

import pytest
from keras import ops

import tf_transformer

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md")])
DOCUMENTS = [path for path in DOCUMENTS if ".venv" not in path.parts]


def names(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_links_lead_to_files(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not link.startswith(("http:", "https:")):
            assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_files_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    packages = "analysis|corpora|data|decoding|export|inference|layers|models|runs"
    packages += "|serving|training|utils"
    for name in re.findall(rf"`((?:{packages})/[\w/]+\.py)`", text):
        assert (ROOT / "tf_transformer" / name).exists(), name
    for name in re.findall(r"`((?:tests|benchmarks|scripts)/[\w/]+\.\w+)`", text):
        assert (ROOT / name).exists(), name


def test_examples_of_extending_run():
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    layer, corpus, search = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    found = {}
    exec(layer + corpus + search, found)
    blocks = [*found["model"].encoder.blocks, *found["model"].decoder.blocks]
    network = blocks[0].feed_forward
    x = ops.ones((1, 2, network.d_model))
    inner = ops.silu(x @ network.inner_dense.kernel + network.inner_dense.bias)
    gate = x @ network.gate_dense.kernel + network.gate_dense.bias
    expected = (inner * gate) @ network.outer_dense.kernel + network.outer_dense.bias
    difference = ops.max(ops.abs(network(x) - expected))
    assert float(difference) < 1e-5
    kinds = [type(block.feed_forward).__name__ for block in blocks]
    assert kinds == ["GatedFeedForward"] * 4
    assert len(found["train"]) == 1

    def step(token_ids, state):
        return ops.one_hot(token_ids * 0 + 3, 6), state  # the end, always

    written = found["longest_of"](step, (), ops.array([4]), max_length=4)
    assert int(ops.sum(ops.cast(written["token_ids"] != 0, "int32"))) == 4


def test_citation_has_the_version_of_the_package():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {tf_transformer.__version__}\n" in citation
