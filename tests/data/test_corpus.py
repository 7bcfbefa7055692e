"""The split by hash is stable, keeps duplicates together and loses nothing."""

import random
from collections import Counter

import pytest

from tf_transformer.corpora import en_ko_grammar as grammar
from tf_transformer.corpora.loading import load
from tf_transformer.data.corpus import Corpus, split_pairs
from tf_transformer.data.datasets import batches


def numbered(num_pairs):
    return [(f"sentence {i}", f"문장 {i}") for i in range(num_pairs)]


def split_of(splits):
    return {pair: name for name, part in splits.items() for pair in part}


def all_pairs(splits):
    return Counter(pair for part in splits.values() for pair in part)


def test_known_sources_stay_where_they_are():
    found = {
        pair[0]: name for pair, name in split_of(split_pairs(numbered(300))).items()
    }
    assert found["sentence 1"] == "train"
    assert found["sentence 10"] == "validation"
    assert found["sentence 40"] == "test"


def test_each_held_out_split_gets_about_two_percent():
    splits = split_pairs(numbered(5003))
    assert 70 < len(splits["validation"]) < 130
    assert 70 < len(splits["test"]) < 130
    assert all_pairs(splits) == Counter(numbered(5003))


@pytest.mark.parametrize("num_pairs", [7, 1201])
def test_the_order_of_the_file_does_not_matter(num_pairs):
    pairs = numbered(num_pairs)
    shuffled = random.Random(3).sample(pairs, k=num_pairs)
    assert shuffled != pairs
    assert split_of(split_pairs(pairs)) == split_of(split_pairs(shuffled))


def test_more_pairs_do_not_move_a_pair():
    small, large = split_of(split_pairs(numbered(900))), split_pairs(numbered(4000))
    large = split_of(large)
    assert all(large[pair] == name for pair, name in small.items())


def test_pairs_with_the_same_source_share_a_split():
    variants = ["{}", " {} ", "{}\u00a0", "{:}".upper()]
    pairs = []
    for i in range(700):
        for number, form in enumerate(variants):
            source = form.format(f"a cafe\u0301 {i}" if number else f"a caf\u00e9 {i}")
            pairs.append((source.upper() if number == 3 else source, f"{i}-{number}"))
    found = {}
    for (_, target), name in split_of(split_pairs(pairs)).items():
        found.setdefault(target.partition("-")[0], set()).add(name)
    assert len(found) == 700
    assert all(len(names) == 1 for names in found.values())


@pytest.mark.parametrize(
    ("one", "other"), [("Straße {}", "STRASSE {}"), ("ﬁve {} …", "Ｆｉｖｅ {} ...")]
)
def test_letter_case_and_compatible_forms_make_no_other_source(one, other):
    pairs = [
        (form.format(i), (i, number))
        for i in range(400)
        for number, form in enumerate((one, other))
    ]
    splits = split_pairs(pairs)
    assert len(splits["test"]) > 2
    for part in splits.values():
        numbers = Counter(i for _, (i, _) in part)
        assert set(numbers.values()) == {2}


def test_a_held_out_split_is_filled_up_to_its_limit(monkeypatch):
    monkeypatch.setattr("tf_transformer.data.corpus.MAX_HELD_OUT_PAIRS", 6)
    splits = split_pairs([(f"sentence {i // 3}", str(i)) for i in range(1800)])
    assert [len(splits[name]) for name in ("validation", "test")] == [6, 6]


@pytest.mark.moderate
def test_no_more_than_two_thousand_pairs_are_held_out():
    pairs = [(f"sentence {i // 3}", str(i)) for i in range(150_000)]
    splits = split_pairs(pairs)
    for name in ("validation", "test"):
        assert 1998 <= len(splits[name]) <= 2000
        others = {s for n, part in splits.items() if n != name for s, _ in part}
        assert not others & {source for source, _ in splits[name]}
    assert all_pairs(splits) == Counter(pairs)


def test_a_source_with_too_many_pairs_goes_to_train_whole():
    pairs = numbered(3000)
    held_out = split_pairs(pairs)["test"][0][0]
    pairs += [(held_out, str(i)) for i in range(2100)]
    splits = split_pairs(pairs)
    assert Counter(source for source, _ in splits["train"])[held_out] == 2101
    assert len(splits["test"]) > 30


@pytest.mark.parametrize("num_pairs", [3, 4, 11, 60])
def test_no_split_of_a_small_list_is_empty(num_pairs):
    for first in range(0, 2000, 97):
        pairs = [(f"word {first + i}", str(i)) for i in range(num_pairs)]
        splits = split_pairs(pairs)
        assert all(splits[name] for name in ("train", "validation", "test"))
        assert all_pairs(splits) == Counter(pairs)


def test_even_if_all_sources_are_held_out_by_their_hash_train_is_not_empty():
    pairs = split_pairs(numbered(3000))["test"][:4]
    splits = split_pairs(pairs)
    assert all(splits.values())
    assert all_pairs(splits) == Counter(pairs)


def test_too_few_sources_cannot_be_split():
    pairs = [("a", "1"), ("b", "2"), ("A ", "3"), ("b", "4"), ("b", "5")]
    message = (
        r"too few pairs.*separate files.*Received: 5 pairs with 2 different sources"
    )
    with pytest.raises(ValueError, match=message):
        split_pairs(pairs)


def test_splits_are_found_by_name():
    splits = {"train": [("a", "1")], "validation": [], "test": [("b", "2")]}
    corpus = Corpus({**splits, "test_combinations": [("c", "3")]}, name="tiny")
    assert corpus.train == [("a", "1")]
    assert corpus.validation == []
    assert corpus.test == [("b", "2")]
    assert corpus["test_combinations"] == [("c", "3")]


def test_a_missing_split_names_those_there_are():
    corpus = Corpus({"train": []}, name="tiny")
    with pytest.raises(KeyError, match=r"tiny.*\['train'\].*Received: 'dev'"):
        corpus["dev"]
    with pytest.raises(KeyError, match="Received: 'test'"):
        _ = corpus.test


def test_the_built_in_corpus_has_all_its_splits():
    corpus = load("en_ko_grammar")
    assert corpus.name == "en_ko_grammar"
    assert {n: len(part) for n, part in corpus.splits.items()} == dict(grammar.SPLITS)
    example = grammar.generate("validation")[0]
    assert corpus.validation[0] == (example.source, example.target)
    turned = load("en_ko_grammar", source="ko")
    assert turned.test == [(korean, english) for english, korean in corpus.test]


def test_an_unknown_corpus_is_an_error_that_says_how_to_read_files():
    message = "Expected one of en_ko_grammar.*--data pairs.tsv.*read_tsv.*: wmt14"
    with pytest.raises(ValueError, match=message):
        load("wmt14")


def test_a_corpus_is_no_list_of_pairs():
    corpus = Corpus({"train": [("a", "b")]}, name="tiny")
    with pytest.raises(ValueError, match="such as corpus.train. Received: .*'tiny'"):
        batches(corpus, tokenizer=None)
