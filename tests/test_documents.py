"""Documents: examples run, and links lead to existing files."""

import re

import pytest
from keras import ops

import tf_transformer
from tests.document_blocks import ROOT, python_blocks

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("docs/*/*.md")]
)
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
    packages = "analysis|corpora|data|decoding|diagnosis|export|importers|inference"
    packages += "|layers|models|runs|serving|training|utils"
    for name in re.findall(rf"`((?:{packages})/[\w/]+\.py)`", text):
        assert (ROOT / "tf_transformer" / name).exists(), name
    for name in re.findall(r"`((?:tests|benchmarks|scripts)/[\w/]+\.\w+)`", text):
        assert (ROOT / name).exists(), name


def test_each_python_program_is_run_by_a_test():
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    assert python_blocks("README.ko.md") == python_blocks("README.md")
    for path in DOCUMENTS:
        if python_blocks(names(path)) and path.name != "README.ko.md":
            assert f'= python_blocks("{names(path)}")' in tests, path


def test_examples_of_extending_run():
    layer, corpus, search = python_blocks("docs/extending.md")
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

    written = found["search_to_the_limit"](step, (), ops.array([4]), max_length=4)
    assert int(ops.sum(ops.cast(written["token_ids"] != 0, "int32"))) == 4


def test_citation_has_the_version_of_the_package():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {tf_transformer.__version__}\n" in citation
