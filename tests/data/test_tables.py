"""CSV, JSON lines, headers, and mixtures of several files."""

import gzip
import warnings

import pytest

from tf_transformer.data.files import (
    PairStream,
    read_pairs,
    read_parallel,
    read_tsv,
    stream_parallel,
    stream_tsv,
)
from tf_transformer.data.mixing import Mixture


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        data = text.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.csv",
            'one,"eins, ""1"""\ntwo\nlines'.replace("two\nlines", '"t\nwo",zwei'),
        ),
        ("a.csv.gz", 'one,"eins, ""1""",more\r\n"t\r\nwo",zwei\r\n'),
        ("a.CSV", 'id,target,source\n1,"eins, ""1""",one\n2,zwei,t wo\n'),
        (
            "a.jsonl",
            '{"source": "one", "target": "eins, \\"1\\"", "id": 1}\n'
            '{"target": "zwei", "source": "t\\nwo"}\n',
        ),
        ("a.tsv", 'source\ttarget\none\teins, "1"\nt wo\tzwei\n'),
        ("b.tsv", 'en\tde\none\teins, "1"\nt wo\tzwei\n'),
        ("d.csv", 'Q,A,label\none,"eins, ""1""",0\nt wo,zwei,1\n'),
        ("c.tsv", 'id\tsrc\ttgt\n7\tone\teins, "1"\n8\tt wo\tzwei\n'),
        ("d.tsv", '\nDE\tEN\none\teins, "1"\nt wo\tzwei\n'),
        ("e.tsv", 'pt-BR\tde_DE\tnotes\none\teins, "1"\tx\nt wo\tzwei\n'),
        ("f.tsv", 'translation\ttext\neins, "1"\tone\nzwei\tt wo\n'),
        ("g.tsv", 'q\tsource\ttarget\n\tone\teins, "1"\n\tt wo\tzwei\n'),
        ("h.tsv", 'src\tquestion\ttgt\none\t?\teins, "1"\nt wo\t?\tzwei\n'),
        ("i.tsv", 'answer\tsource\tquestion\neins, "1"\t3\tone\nzwei\t4\tt wo\n'),
    ],
)
def test_pairs_are_the_same_in_every_format(write, name, text):
    stream = stream_tsv(write(name, text))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = [pair for pair in stream if any(pair)]
    assert pairs == [("one", 'eins, "1"'), ("t wo", "zwei")]


def test_a_header_is_skipped_with_a_warning_and_scoring_skips_nothing(write):
    source, target = write("a.de", "de\neins\n"), write("a.en", "en\none\n")
    with pytest.warns(UserWarning, match="first row of .*a.de.* is a header, 'de en'"):
        corpus = read_parallel(source, target, validation=(source, target))
    assert corpus.train == [("eins", "one")]
    assert read_pairs(source, target) == [("de", "en"), ("eins", "one")]


@pytest.mark.parametrize(
    "first", ["eng_Latn\tkor_Hang", "English\tKorean", "kor\teng", "de_DE\tEN"]
)
def test_names_and_codes_of_languages_are_a_header(write, first):
    path = write("a.tsv", f"{first}\na\tb\n")
    words = first.replace("\t", " ")
    with pytest.warns(UserWarning, match=f"header, '{words}'"):
        assert list(stream_tsv(path)) == [("a", "b")]


@pytest.mark.parametrize(
    "first",
    [
        *("no\tno", "yes\toui", "De\tEn", "hello\tde", "cat\tdog"),
        *("English\tEnglisch", "OK\tja", "PC\tTV", "up\tan"),
    ],
)
def test_data_is_no_header(write, first):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = list(stream_tsv(write("a.tsv", f"{first}\na\tb\n")))
    assert pairs == [tuple(first.split("\t")), ("a", "b")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[]", "format is not supported. Expected .tsv, .csv or .jsonl"),
        ("a.xlsx", "PK", "format is not supported"),
        ("a.tmx.gz", "<tmx>", "format is not supported"),
        ("a.csv", "one;eins\n", "only one column.*comma between.*a.csv:1: 'one;eins'"),
        ("a.csv", 'one,"eins\n', "not valid CSV.*a.csv:1"),
        ("a.csv", "one,eins\none, two,eins\n", "A line has 3 columns.*a.csv:2"),
        ("a.csv", '\none,eins\ntwo, "z, w"\n', "A line has 3 columns.*a.csv:3"),
        ("a.tsv", "one\teins\ntwo\tzwei\tdrei\n", "A line has 3 columns.*a.tsv:2"),
        ("a.csv", "id,de,en\n1,eins,one\n", "does not say.*a.csv:1: 'id de en'"),
        ("a.tsv", "en\tscore\tde\none\t.5\teins\n", "does not say.*a.tsv:1"),
        ("a.jsonl", '{"en": "one", "de": "eins"}', 'strings "source" and "target".*:1'),
        ("a.jsonl", '{"source": "one", "target": 1}', 'strings "source" and "target"'),
        ("a.jsonl", "[1]\n", "not a pair.*a.jsonl:1"),
        (
            "a.jsonl",
            '{"source": "a", "target": "b"}\n{"source": "\\ud800", "target": "b"}\n',
            "of Unicode.*a.jsonl:2",
        ),
    ],
)
def test_what_cannot_be_read_is_named(write, name, text, message):
    with pytest.raises(ValueError, match=message):
        list(stream_tsv(write(name, text)))


def test_each_part_of_a_mixture_has_the_same_proportions():
    sources = [[(f"a{i}", "A") for i in range(30)], [(f"b{i}", "B") for i in range(20)]]
    mixture = Mixture(sources, weights=[1, 3])
    pairs = list(mixture)
    assert list(mixture) == pairs
    assert sorted(pairs) == sorted(sources[0] + 3 * sources[1])
    for start in range(0, 90, 15):  # a third of the pairs is from the first source
        assert sum(target == "A" for _, target in pairs[start : start + 15]) == 5
    assert [pair for pair in pairs if pair[1] == "A"] == sources[0]


@pytest.mark.parametrize("weights", [[], [1], [1, 2, 3], [1, 0], [1, 0.5]])
def test_a_mixture_needs_a_weight_for_each_source(weights):
    with pytest.raises(ValueError, match=r"Expected .*Received: weight"):
        Mixture([[("a", "A")], [("b", "B")]], weights)


def test_a_single_source_may_be_repeated():
    pairs = [("one", "eins"), ("two", "zwei")]
    assert list(Mixture([pairs], weights=[3])) == 3 * pairs
    assert list(Mixture([pairs])) == pairs


def test_a_mixture_reads_its_sources_again_and_again():
    with pytest.raises(ValueError, match="Received: generator, which can be read only"):
        Mixture([[("a", "A")], (pair for pair in [("b", "B")])])


def test_a_stream_refuses_items_that_are_not_pairs():
    stream = PairStream(lambda: iter([{"source": "one", "target": "eins"}]), "rows")
    with pytest.raises(ValueError, match=r"Expected \(source, target\)"):
        list(stream)


@pytest.mark.parametrize("pair", [("one", None), (None, "eins"), ("one", 1)])
def test_a_stream_refuses_sides_that_are_not_texts(pair):
    """A missing side is no empty text."""
    stream = PairStream(lambda: iter([("two", "zwei"), pair]), "rows")
    with pytest.raises(ValueError, match="not a text.*Received: .*in rows"):
        list(stream)


def test_several_files_are_not_one(write):
    source, target = write("a.de", "eins\n"), write("a.en", "one\n")
    for read in (stream_parallel, read_parallel):
        with pytest.raises(ValueError, match="path of a text file. Received: \\["):
            list(read([source], [target]))
    for read in (stream_tsv, read_tsv):
        with pytest.raises(ValueError, match="path of a text file. Received: \\["):
            list(read([source]))


@pytest.mark.parametrize("ending", ["bz2", "xz", "zst", "zip"])
def test_other_packed_files_than_gzip_are_named(write, ending):
    source, target = write(f"a.de.{ending}", "eins\n"), write("a.en", "one\n")
    with pytest.raises(ValueError, match=f"plain text or gzip.*Received: .*{ending}"):
        list(stream_parallel(source, target))
