"""The splits: sizes, separation, determinism, alignments and the TFDS builder."""

import collections
import itertools
import os
import re
import subprocess
import sys

import pytest

from tf_transformer.corpora import en_ko_grammar as grammar
from tf_transformer.corpora.en_ko_grammar import corpus
from tf_transformer.corpora.en_ko_grammar.adjectives import (
    ADJECTIVES,
    FEELINGS_OF_ANIMALS,
)
from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS


@pytest.fixture(scope="module")
def splits():
    """The examples of each split."""
    return {split: grammar.generate(split) for split in grammar.SPLITS}


@pytest.fixture(scope="module")
def everything(splits):
    """The examples of all splits."""
    return [example for examples in splits.values() for example in examples]


def test_sizes(splits):
    assert {split: len(examples) for split, examples in splits.items()} == {
        "train": 20_000,
        "validation": 1_000,
        "test": 1_000,
        "test_combinations": 1_000,
    }


def test_no_sentence_of_either_language_is_used_twice(everything):
    assert len({example.source for example in everything}) == 23_000
    assert len({example.target for example in everything}) == 23_000


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="Received: 'dev'"):
        grammar.generate("dev")


def test_the_caller_may_change_the_list():
    grammar.generate("test").clear()
    assert len(grammar.generate("test")) == 1_000


@pytest.mark.slow
def test_another_process_makes_the_same_corpus():
    program = (
        "from tf_transformer.corpora import en_ko_grammar\n"
        "print(en_ko_grammar.fingerprint())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == grammar.fingerprint()


def test_the_version_follows_the_fingerprint(monkeypatch):
    before = corpus.version()
    assert before == grammar.VERSION
    assert re.fullmatch(r"1\.0\.\d+", before)
    assert int(before.split(".")[2]) == int(grammar.fingerprint()[:8], 16)
    monkeypatch.setattr(corpus, "generate", lambda split: [split])
    corpus.fingerprint.cache_clear()
    try:
        assert corpus.version() != before
    finally:
        corpus.fingerprint.cache_clear()


@pytest.mark.slow
def test_plain_python_is_enough():
    program = (
        "import sys; from tf_transformer.corpora import en_ko_grammar\n"
        "en_ko_grammar.fingerprint()\n"
        "print('tensorflow' in sys.modules or 'tensorflow_datasets' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "False"


def test_alignments_are_in_range_and_cover_every_target_word(everything):
    for source, target, alignment, _ in [*everything, *grammar.HELD_OUT]:
        links = [tuple(map(int, link.split("-"))) for link in alignment.split()]
        assert links == sorted(set(links))
        assert max(i for i, _ in links) < len(source.split())
        assert {j for _, j in links} == set(range(len(target.split())))


def test_sentences_look_like_sentences(everything):
    for source, target, *_ in everything:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9']*( [A-Za-z0-9']+)+\.", source)
        assert re.fullmatch(r"[가-힣0-9]+( [가-힣0-9]+)+다\.", target)
        assert 3 <= len(source.split()) <= 14


def test_the_held_out_sentences_are_what_the_patterns_make():
    patterns = {pattern.name: pattern for pattern in corpus.PATTERNS}
    made = set()
    for name in ("jobs", "it is the thing", "it is the animal"):
        pattern = patterns[name]
        slots = [
            [option for option in slot if _is_about_the_held_out(option)] or slot[:1]
            for slot in pattern.slots
        ]
        made |= {
            pattern.sentence(*options).example for options in itertools.product(*slots)
        }
    assert set(grammar.HELD_OUT) <= made


def _is_about_the_held_out(option) -> bool:
    words = str(option)
    if "english='street'" in words:
        return "'cross'" in words and ("'tired'" in words or "'wide'" in words)
    return "english='animal'" in words or "english='student'" in words


def test_held_out_sentences_are_in_no_split(everything):
    sources = {example.source for example in everything}
    targets = {example.target for example in everything}
    for example in grammar.HELD_OUT:
        assert example.source not in sources
        assert example.target not in targets
    for source in sources:
        words = set(re.findall(r"\w+", source))
        assert not {"animal", "cross", "street", "tired"} <= words
        assert not {"animal", "cross", "street", "wide"} <= words


def test_words_of_the_held_out_sentences_are_well_known(splits):
    pairs = collections.Counter()
    for example in splits["train"]:
        words = re.findall(r"\w+", example.source)
        if "because" in words:
            pairs.update(
                (first, second)
                for first in ("animal", "cross", "street")
                for second in ("cross", "street", "tired", "wide")
                if first in words and second in words
            )
    for first, second in (
        ("animal", "cross"),
        ("animal", "street"),
        ("animal", "tired"),
        ("animal", "wide"),
        ("cross", "street"),
        ("cross", "tired"),
        ("cross", "wide"),
        ("street", "tired"),
        ("street", "wide"),
    ):
        assert pairs[first, second] >= 2, (first, second)
    students = [e for e in splits["train"] if "a student." in e.source]
    assert len(students) >= 10


def test_every_word_is_frequent_enough_in_train():
    counts = collections.Counter(
        word for sentence in corpus.sentences("train") for word in sentence.words
    )
    assert min(counts.values()) >= 15
    assert set(NOUNS) | set(ADJECTIVES) <= set(counts)


def test_combinations_are_new_but_their_words_are_not():
    train = corpus.sentences("train")
    known = {word for sentence in train for word in sentence.words}
    together = {
        (first, second)
        for split in ("train", "validation", "test")
        for sentence in corpus.sentences(split)
        for first in sentence.words
        for second in sentence.words
    }
    for sentence in corpus.sentences("test_combinations"):
        assert set(sentence.words) <= known
        new = corpus.held_out_pairs(sentence.words)
        assert new
        assert not together & set(new)


def test_the_rule_of_combinations_is_symmetric():
    assert corpus.is_held_out_pair("dog", "street") == corpus.is_held_out_pair(
        "street", "dog"
    )


def test_the_noun_before_the_degree_is_the_antecedent(everything):
    """The Korean names the antecedent in front of 너무 or 아주."""
    readings = collections.Counter()
    for example in [*everything, *grammar.HELD_OUT]:
        source, target = example.source.rstrip(".").split(), example.target.split()
        if "it" not in source:
            assert example.antecedent == ""
            continue
        it, noun = map(int, example.antecedent.split("-"))
        assert source[it] == "it"
        named = next(i for i, word in enumerate(target) if word in ("너무", "아주")) - 1
        assert re.fullmatch(NOUNS[source[noun]].korean + "[은는이가]", target[named])
        assert f"{it}-{named}" in example.alignment.split()
        animate = source[-1] in FEELINGS_OF_ANIMALS
        assert (noun == 1) == animate
        readings[animate] += 1
    assert min(readings.values()) > 1_000


@pytest.mark.slow
def test_tfds_gives_the_same_records(tmp_path, monkeypatch, splits):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    tfds = pytest.importorskip("tensorflow_datasets")
    from tf_transformer.corpora.en_ko_grammar import tfds_builder

    assert "en_ko_grammar" in tfds.list_builders()
    builder = tfds_builder.EnKoGrammar(data_dir=tmp_path)
    assert str(builder.version) == grammar.VERSION
    assert builder.info.supervised_keys == ("en", "ko")
    builder.download_and_prepare()
    for split in grammar.SPLITS:
        records = [
            grammar.Example(
                *(
                    record[name].decode()
                    for name in ("en", "ko", "alignment", "antecedent")
                )
            )
            for record in tfds.as_numpy(builder.as_dataset(split=split))
        ]
        assert records == splits[split]
    loaded = tfds.load("en_ko_grammar", split="test", data_dir=tmp_path)
    assert len(loaded) == 1_000
