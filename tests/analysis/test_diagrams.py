"""Diagrams: they show what the layers have and what the functions compute."""

import importlib.util
import re

import keras
import numpy as np
import pytest

import tf_transformer as tt
from tests.analysis.diagram_texts import codes, rectangles, root, texts
from tests.document_blocks import ROOT
from tf_transformer.analysis.diagrams import DIAGRAMS, canvas, diagram
from tf_transformer.analysis.diagrams.words import KOREAN
from tf_transformer.data.shift import shift_right

SIZES = {"d_model": 12, "num_heads": 3, "d_ff": 20}
BOTH = pytest.mark.parametrize("language", canvas.LANGUAGES)
EACH = pytest.mark.parametrize("name", DIAGRAMS)


def test_each_sublayer_is_named_with_its_class():
    layers = {
        "multi_head_attention": tt.layers.MultiHeadAttention(d_model=12, num_heads=3),
        "encoder_block": tt.layers.EncoderBlock(**SIZES),
        "decoder_block": tt.layers.DecoderBlock(**SIZES),
        "ssru_decoder_block": tt.layers.SSRUDecoderBlock(**SIZES),
        "transformer": tt.Transformer(17, num_layers=2, **SIZES),
    }
    for name, layer in layers.items():
        expected = {
            f"{attribute}: {type(value).__name__}"
            for attribute, value in vars(layer).items()
            if isinstance(value, keras.layers.Layer)
        }
        assert len(expected) > 4
        shown = [text for text in codes(name) if re.fullmatch(r"\w+: [A-Z]\w+", text)]
        assert set(shown) == expected, name
        if name != "transformer":
            assert len(shown) == len(expected)
        heading = texts(name)[1].text
        assert heading.removeprefix("layers.") == type(layer).__name__


def test_order_of_the_sublayers_is_the_order_of_the_computation():
    """The boxes of a block, computed from below, give the block's output."""
    block = tt.layers.DecoderBlock(**SIZES)
    keras.utils.set_random_seed(3)
    x, source = keras.random.normal((2, 5, 12)), keras.random.normal((2, 7, 12))
    expected = block(x, source)
    arguments = {
        "self_attention": lambda y: block.self_attention(y, y, use_causal_mask=True),
        "cross_attention": lambda y: block.cross_attention(y, source),
    }
    before = y = x
    for name in re.findall(r"^(\w+): ", "\n".join(codes("decoder_block")), re.M):
        if name.endswith("_norm"):
            y = before = getattr(block, name)(before + y)
        else:
            y = arguments.get(name, getattr(block, name))(y)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_operations_of_attention_give_its_output():
    random = np.random.default_rng(5)
    query, key = random.normal(size=(4, 3)), random.normal(size=(6, 3))
    value, mask = random.normal(size=(6, 2)), random.random((4, 6)) < 0.7
    operations = {
        "Q Kᵀ": lambda _: query @ key.T,
        "/ √d_k": lambda scores: scores / 3**0.5,
        "False: -1e9": lambda scores: np.where(mask, scores, -1e9),
        "softmax": lambda s: np.exp(s) / np.exp(s).sum(axis=-1, keepdims=True),
        "weights V": lambda weights: weights @ value,
    }
    shown = [text for text in codes("scaled_dot_product_attention") if "(" not in text]
    assert sorted(shown) == sorted(operations)
    result = None
    for text in shown:
        result = operations[text](result)
    expected, _ = tt.layers.scaled_dot_product_attention(query, key, value, mask)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_cells_of_the_masks_are_those_of_the_layers():
    from tf_transformer.analysis.diagrams.masks import SOURCE, TARGET

    source, target = (
        np.array([[int(token != "<pad>") for token in tokens]])
        for tokens in (SOURCE, TARGET)
    )
    of_source = tt.layers.keys_mask(tt.layers.padding_mask(source))
    of_target = tt.layers.decoder_self_attention_mask(target)
    expected = [
        np.broadcast_to(of_source[0], (len(SOURCE), len(SOURCE))),
        np.asarray(of_target[0]),
        np.broadcast_to(of_source[0], (len(TARGET), len(SOURCE))),
    ]
    may_attend = {cell[:2] for cell in rectangles("the_three_masks", "tt-may-attend")}
    cells = [cell[:2] for cell in rectangles("the_three_masks", "tt-cell")]
    for mask in expected:
        shown = [cells.pop(0) in may_attend for _ in range(mask.size)]
        np.testing.assert_array_equal(np.reshape(shown, mask.shape), mask)
    assert len(cells) == 3  # of the legend
    labels = [text.text for text in texts("the_three_masks") if text.kind == "code"]
    assert [labels.count(token) for token in ("student", "<pad>")] == [3, 9]


def test_training_reads_the_target_shifted_right_and_decoding_its_own_output():
    rows = {}
    for text in texts("training_and_decoding"):
        if text.kind == "code":
            rows.setdefault((text.x > 560, text.y), []).append(text.text)
    _, prediction, read, target = (
        row for (is_right, _), row in sorted(rows.items()) if not is_right
    )
    assert prediction == target
    ids = {token: place for place, token in enumerate(["", "?", "<s>", *target])}
    labels = np.array([[ids[token] for token in target]])
    np.testing.assert_array_equal(
        [ids[token] for token in read], shift_right(labels)[0]
    )
    steps = [row for (is_right, _), row in sorted(rows.items()) if is_right]
    assert steps == [[*read[: n + 1], target[n]] for n in range(len(target))]


@EACH
@BOTH
def test_no_text_is_wider_than_its_box(name, language):
    boxes = rectangles(name, "tt-box", language)
    assert boxes or name == "the_three_masks"
    for left, top, width, height in boxes:
        for text in texts(name, language):
            if text.x == left + width / 2 and top < text.y < top + height:
                assert canvas.text_width(text.text, text.kind) < width - 12, text


@EACH
def test_the_korean_diagram_says_the_same(name):
    english, korean = texts(name), texts(name, "ko")
    for one, other in zip(english, korean, strict=True):
        assert one[1] == other[1]
        expected = one.text if one.kind == "code" else KOREAN[one.text]
        assert other.text == expected


def test_words_are_used_and_are_the_glossary_s():
    used = {
        text.text for name in DIAGRAMS for text in texts(name) if text.kind != "code"
    }
    assert used == set(KOREAN)
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    terms = {}
    for english, korean in (
        line.split(" | ")[:2] for line in lines if line[:2] == "| "
    ):
        for term in english.removeprefix("| ").split(", "):
            terms[term.lower()] = korean
    shared = [text for text in KOREAN if text.lower() in terms]
    assert len(shared) > 15
    for text in shared:
        assert KOREAN[text] in terms[text.lower()].split(", "), text


@EACH
@BOTH
def test_is_an_svg_file_that_stands_alone(name, language):
    svg = root(name, language)
    assert svg.attrib["lang"] == language
    text = diagram(name, language).svg
    assert diagram(name, language)._repr_svg_() == text
    assert "prefers-color-scheme: dark" in text
    addresses = re.findall(r"\w+://[^\"' ]+", text)
    assert addresses == ["http://www.w3.org/2000/svg"]
    assert "url(" not in text


def test_files_of_the_documents_are_current():
    path = ROOT / "docs" / "site" / "diagrams.py"
    spec = importlib.util.spec_from_file_location("draw_diagrams", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    found = {
        path.name: path.read_text(encoding="utf-8")
        for path in program.FOLDER.glob("*.svg")
    }
    assert found == program.files(), "run python docs/site/diagrams.py"


def test_an_unknown_name_or_language_is_refused():
    with pytest.raises(ValueError, match=r"no such diagram\. Expected one of .*'nose'"):
        diagram("nose")
    with pytest.raises(ValueError, match=r"no such language\. .* Received: 'fr'"):
        diagram("encoder_block", "fr")
