"""Alignment error rates: published ones, one by hand, and baselines."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.small_maps import random_maps
from tf_transformer.analysis.alignment import (
    alignment_error_rate,
    alignment_error_rates,
    baseline_links,
    parse_alignment,
    read_alignments,
    strongest_links,
    word_weights,
)

# of awesome-align: its published links against the gold ones, and what comes out if
# the gold files, which count from 1, are read as if they counted from 0
PUBLISHED = [("enfr", 0.0407, 0.437), ("roen", 0.2075, 0.595)]
DATA = Path(os.environ.get("TF_TRANSFORMER_DATA", "/nowhere"), "alignments")
with_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the environment variable TF_TRANSFORMER_DATA is not set"
)


@with_data
@pytest.mark.parametrize(("pair", "published", "wrong"), PUBLISHED)
def test_published_links_have_the_published_rate(pair, published, wrong):
    out = read_alignments(DATA / f"{pair}.awesome-align.out", first_index=0)
    found = [alignment.sure for alignment in out]
    gold = read_alignments(DATA / f"{pair}.gold", first_index=1)
    assert alignment_error_rate(found, gold) == pytest.approx(published, abs=5e-5)
    shifted = read_alignments(DATA / f"{pair}.gold", first_index=0)
    assert alignment_error_rate(found, shifted) == pytest.approx(wrong, abs=5e-4)


def test_rate_by_hand_with_possible_links():
    """A = 3 + 1 links, S = 2 + 1; A and S: 1 + 0, A and P: 2 + 1."""
    gold = [parse_alignment("0-0 1-1 1p2", 0), parse_alignment("0-1 2p2", 0)]
    found = [{(0, 0), (1, 2), (2, 2)}, {(2, 2)}]
    rate = alignment_error_rate(found, gold)
    assert rate == pytest.approx(1 - (1 + 3) / (4 + 3))
    # a possible link costs nothing, but is not required
    sure = [alignment.sure for alignment in gold]
    assert alignment_error_rate(sure, gold) == 0
    assert alignment_error_rate([gold[0].possible, gold[1].possible], gold) == 0


@pytest.mark.parametrize("line", ["0-1", "1-0", "1:1", "1-", "-1-2", "1-1,2-2"])
def test_a_link_that_cannot_be_is_named_with_its_line(tmp_path, line):
    path = tmp_path / "gold.txt"
    path.write_text(f"1-1\n\n2-2 {line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"gold.txt:3: .*Received: '{line}'"):
        read_alignments(path, first_index=1)


def test_words_are_numbered_from_0_or_1():
    with pytest.raises(ValueError, match="Expected first_index 0 or 1. Received: 2"):
        parse_alignment("2-2", 2)


def test_an_empty_line_is_a_pair_without_links(tmp_path):
    path = tmp_path / "gold.txt"
    path.write_text("1-1\n\n2p3\n", encoding="utf-8")
    gold = read_alignments(path, first_index=1)
    assert [len(alignment.possible) for alignment in gold] == [1, 0, 1]
    assert gold[2].possible == {(1, 2)}
    with pytest.raises(ValueError, match="2 and 3 sentences"):
        alignment_error_rate([set(), set()], gold)
    with pytest.raises(ValueError, match="nothing to score"):
        alignment_error_rate([set()], gold[1:2])


def test_links_of_attention_are_of_words_without_end_tokens():
    maps = random_maps(5, 4, seed=3)
    weights = word_weights(maps)
    assert weights.shape[2:] == (3, 4)
    one = weights[1, 2]
    expected = set()
    for t in range(3):
        best = max(range(4), key=lambda s, t=t: maps.cross[1, 2, t, s])
        expected.add((best, t))
    assert strongest_links(one) == expected
    nothing = dataclasses.replace(
        maps, target=(), read=(), cross=maps.cross[:, :, :0], decoder=None
    )
    assert word_weights(nothing).shape[2:] == (0, 4)


def test_rates_are_of_every_head_over_all_sentences():
    all_maps = [random_maps(5, 4, seed=4), random_maps(3, 6, seed=5)]
    gold = [parse_alignment("0-0 3-2", 0), parse_alignment("1-4 0p3", 0)]
    rates = alignment_error_rates(all_maps, gold)
    for (layer, head), rate in np.ndenumerate(rates):
        found = [strongest_links(word_weights(maps)[layer, head]) for maps in all_maps]
        assert rate == alignment_error_rate(found, gold)
    assert len(np.unique(rates)) > 1
    perfect = [parse_alignment("", 0)._replace(sure=links, possible=links)
               for links in map(frozenset, found)]  # fmt: skip
    assert alignment_error_rates(all_maps, perfect)[-1, -1] == 0


def test_maps_of_pieces_have_no_word_alignment():
    words = random_maps(5, 4, seed=3)
    pieces = dataclasses.replace(words, source=("\u2581a", "b", "\u2581c", "d", "</s>"))
    with pytest.raises(ValueError, match="Expected maps of words.*Received: pieces"):
        alignment_error_rates([words, pieces], [parse_alignment("0-0", 0)] * 2)


def test_baselines_do_what_their_names_say():
    sizes = [(4, 4), (6, 3), (2, 5)]
    links = baseline_links(sizes, seed=7)
    assert [len(pair_links) for pair_links in links["uniform"]] == [16, 18, 10]
    assert sorted(links["diagonal"][0]) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert sorted(links["diagonal"][1]) == [(1, 0), (3, 1), (5, 2)]
    assert sorted(links["diagonal"][2]) == [(0, 0), (0, 1), (1, 2), (1, 3), (1, 4)]
    for (num_sources, num_targets), pair_links in zip(
        sizes, links["random"], strict=True
    ):
        assert sorted(t for _, t in pair_links) == list(range(num_targets))
        assert {s for s, _ in pair_links} <= set(range(num_sources))
    assert baseline_links(sizes, seed=7) == links
    assert baseline_links(sizes, seed=8)["random"] != links["random"]
    with pytest.raises(ValueError, match=r"one source word. Received: \(0, 2\)"):
        baseline_links([(4, 3), (0, 2)])
    assert baseline_links([(4, 0)])["random"] == [set()]
