"""Statistics of heads against slow loops, and heads constructed for one figure each."""

import math

import numpy as np
import pytest

from tests.analysis.small_maps import NUM_HEADS, NUM_LAYERS, random_maps
from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.maps import AttentionMaps


def slow_statistics(all_maps, kind, layer, head):
    """Every formula of the docstring, word by word."""
    found = {}
    for maps in all_maps:
        w = maps.weights(kind)[layer, head]
        num_rows, num_keys = w.shape
        for i in range(num_rows):
            allowed = i + 1 if kind == "decoder" else num_keys
            if allowed == 1:
                continue
            place = (i + 0.5) * num_keys / num_rows - 0.5 if kind == "cross" else i
            entropy = -sum(x * math.log(x) for x in w[i] if x > 0)
            row = {
                "entropy": entropy,
                "entropy_share": entropy / math.log(allowed),
                "distance": sum(w[i, j] * abs(place - j) for j in range(num_keys)),
            }
            if kind != "cross":
                row["same"] = w[i, i]
                if i > 0:
                    row["previous"] = w[i, i - 1]
            if kind == "encoder":
                if i + 1 < num_keys:
                    row["next"] = w[i, i + 1]
                    row["end"] = w[i, num_keys - 1]
            elif kind == "decoder":
                row["start"] = w[i, 0]
            else:
                row["end"] = w[i, num_keys - 1]
            for name, value in row.items():
                found.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_every_figure_is_the_mean_over_all_rows(kind):
    all_maps = [random_maps(5, 7, seed=1), random_maps(4, 2, seed=2)]
    found = head_statistics(all_maps, kind)
    for layer in range(NUM_LAYERS):
        for head in range(NUM_HEADS):
            expected = slow_statistics(all_maps, kind, layer, head)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert found[name][layer, head] == pytest.approx(value), name


def made(weights):
    tokens = ("a", "b", "c", "d", "</s>")
    return AttentionMaps(tokens, tokens, tokens, weights, encoder=weights)


@pytest.mark.parametrize(
    ("name", "offset"), [("previous", -1), ("same", 0), ("next", 1)]
)
def test_a_head_made_for_one_neighbour_has_its_figure_only(name, offset):
    weights = np.zeros((1, 1, 5, 5))
    for i in range(5):
        weights[0, 0, i, min(max(i + offset, 0), 4)] = 1
    found = head_statistics([made(weights)], "encoder")
    assert found[name] == 1
    assert found["entropy"] == found["entropy_share"] == 0
    neighbours = {"previous": -1, "same": 0, "next": 1}
    for other in neighbours.keys() - {name}:
        assert found[other] < 0.3  # a row at the edge attends to itself


def test_equal_weights_have_all_the_entropy_there_is():
    found = head_statistics([made(np.full((1, 1, 5, 5), 0.2))], "encoder")
    assert found["entropy"] == pytest.approx(math.log(5))
    assert found["entropy_share"] == pytest.approx(1)
    assert found["distance"] == pytest.approx(1.6)  # (0 + 1 + 1 + 2 + 2 + ...) / 25


def test_a_word_of_the_decoder_attends_to_its_own_first_pieces():
    """Equal weights among pieces: no share of the entropy is above 1."""
    pieces = ("\u2581a", "b", "\u2581c", "d", "e", "</s>")
    weights = np.tril(np.ones((6, 6)))[None, None]
    weights /= weights.sum(axis=-1, keepdims=True)
    read = ("<s>", *pieces[:-1])
    maps = AttentionMaps(pieces, pieces, read, weights, decoder=weights).in_words()
    # "ab": the start alone, or the start and "a"; "cde": two and one to three of six
    rows = [[3 / 4, 1 / 4, 0], [47 / 180, 94 / 180, 39 / 180], [1 / 6, 2 / 6, 3 / 6]]
    np.testing.assert_allclose(maps.decoder[0, 0], rows)
    entropies = [-sum(w * math.log(w) for w in row if w) for row in rows]
    shares = [entropies[0] / math.log(2), *(e / math.log(3) for e in entropies[1:])]
    found = head_statistics([maps], "decoder")
    assert found["entropy_share"] == pytest.approx(sum(shares) / 3)


def test_a_figure_that_no_row_has_is_not_a_number():
    one = np.ones((1, 1, 1, 1))
    maps = AttentionMaps(("a",), ("b",), ("<s>",), one, decoder=one)
    assert np.isnan(head_statistics([maps], "decoder")["entropy"]).all()
