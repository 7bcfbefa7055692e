"""Bad lines in a file are errors that name the line, or are skipped and counted."""

import gzip
import warnings

import pytest

from tf_transformer.data.batching import Batches
from tf_transformer.data.files import stream_parallel, stream_tsv
from tf_transformer.data.lines import read_lines
from tf_transformer.data.tokenizer import Tokenizer

GOOD = "a cat\t고양이\na dog\t개\n"
PAIRS = [("a cat", "고양이"), ("a dog", "개")]


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="pairs.tsv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.encode() + b"caf\xe9\t3\n", r"UTF-8.*tsv:3: the byte 0xe9 at position 3"),
        (GOOD.encode()[:-2] + b"\n", r"UTF-8.*tsv:2: the byte"),
        (GOOD.encode("utf-16"), r"UTF-8.*tsv:1: the byte 0xff at position 0.*UTF-16"),
        (GOOD + "a c\0w\tso\n", r"null.*tsv:3: a null at position 3"),
        ("a cat\tcat\n".encode("utf-16-le"), r"null.*UTF-16.*tsv:1"),
        (GOOD + "a cow    소\n", r"only one column.*TAB.*tsv:3: 'a cow    소'"),
        ("a\t1\rb\t2\rc\t3\r", r"carriage returns.*line feed.*tsv:1: 'a\\t1\\rb"),
        ("", r"no sentence pairs.*tsv with 0 lines"),
        ("\n \n\r\n\t\n", r"no sentence pairs.*tsv with 4 lines"),
        ("a\t\n\tb\n", r"no sentence pairs.*tsv with 2 lines"),
        (gzip.compress(GOOD.encode() * 9000)[:-90], r"damaged.*tsv'.*after line \d+"),
    ],
    ids=[
        *("latin-1", "cut character", "utf-16", "null", "utf-16 without mark"),
        *("spaces for tabs", "old macintosh", "empty", "blank lines", "empty sides"),
        "cut gzip",
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(write, content, message):
    with pytest.raises(ValueError, match=message):
        list(stream_tsv(write(content)))


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", " \u3000\t\n"),
        "  " + GOOD.replace("\t", "  \t "),
        GOOD.replace("\n", "\tCC-BY\t\n"),
        GOOD.removesuffix("\n"),
        gzip.compress(GOOD.encode()),
    ],
    ids=["crlf", "mark", "trailing", "around", "third column", "no end", "gzip"],
)
def test_harmless_formatting_gives_no_warning(write, content):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(stream_tsv(write(content))) == PAIRS


def test_empty_sides_are_skipped_and_counted_in_the_first_pass(write):
    stream = stream_tsv(write(GOOD + "a cow\t \n\t소\n\n"))
    with pytest.warns(UserWarning, match=r"Skipped 3 of 5 pairs in .*pairs\.tsv") as w:
        assert list(stream) == list(stream) == PAIRS
    assert len(w) == 1


def test_a_carriage_return_inside_a_line_is_text(write):
    assert list(stream_tsv(write("a\rb\tc\n"))) == [("a\rb", "c")]


@pytest.mark.parametrize(("longer", "counts"), [(0, (4, 2)), (1, (2, 4))])
def test_unequal_line_counts_name_the_first_line_alone(write, longer, counts):
    files = ["a\nb\n", "1\n2\n"]
    files[longer] += "x\ny\n"
    source, target = (write(c, n) for c, n in zip(files, ("a.en", "a.ko"), strict=True))
    message = (
        rf"same number.*a\.en with {counts[0]} lines, .*a\.ko with {counts[1]} lines: "
        rf".*{('a.en', 'a.ko')[longer]}:3 has no counterpart"
    )
    pairs = iter(stream_parallel(source, target))
    assert [next(pairs), next(pairs)] == [("a", "1"), ("b", "2")]
    with pytest.raises(ValueError, match=message):
        next(pairs)


def test_a_folder_or_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"Received: '{tmp_path}' .a folder"):
        list(stream_tsv(tmp_path))
    with pytest.raises(FileNotFoundError, match="none.tsv"):
        read_lines(tmp_path / "none.tsv")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("text", ["x" * 100_000, "가나다 " * 25_000, "ab" * 50_000])
def test_a_line_of_100_000_characters_is_learnt_from_and_left_out(write, text):
    stream = stream_tsv(write(GOOD * 30 + f"{text}\t소\n"))
    tokenizer = Tokenizer.train(stream, vocab_size=330)
    known = Tokenizer.train(PAIRS * 30, vocab_size=330)
    # the vocabulary knows the long line's text
    assert len(tokenizer.encode_source([text[:300]])[0]) < len(
        known.encode_source([text[:300]])[0]
    )
    batches = Batches(stream, tokenizer)
    assert (batches.num_pairs, batches.num_dropped) == (60, 1)


def test_a_vocabulary_is_learnt_from_a_sample_of_many_pairs(monkeypatch):
    pairs = [(f"number {i}", f"숫자 {i}") for i in range(2_000)]
    whole = Tokenizer.train(pairs, vocab_size=400)
    monkeypatch.setattr("tf_transformer.data.tokenizer.MAX_PAIRS", 2_000)
    assert Tokenizer.train(iter(pairs), vocab_size=400).source_model == (
        whole.source_model
    )
    seen = []
    monkeypatch.setattr("tf_transformer.data.tokenizer.MAX_PAIRS", 100)
    monkeypatch.setattr(
        "tf_transformer.data.sentencepiece_trainer.train_pieces",
        lambda lines, *_: seen.append(lines) or whole.source_model,
    )
    for _ in range(2):
        Tokenizer.train(iter(pairs), vocab_size=400)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 200
    numbers = [int(text.split()[1]) for text in seen[0]]
    assert numbers[:100] == numbers[100:]  # pairs stay together
    # all parts of the corpus are sampled equally
    assert 30 < sum(number < 1_000 for number in numbers[:100]) < 70


def test_a_line_is_read_up_to_the_limit(write, monkeypatch):
    monkeypatch.setattr("tf_transformer.data.lines.MAX_LINE_BYTES", 12)
    fits = "가나\tabcde\n"
    assert len(fits.encode()) == 13
    path = write(f"a\tb\n{fits[:-2]}\n")
    assert list(stream_tsv(path)) == [("a", "b"), ("가나", "abcd")]
    for content in (fits, fits[:-1] + "f"):
        message = r"line is too long. Expected at most 12 bytes.*pairs.tsv:2: more"
        with pytest.raises(ValueError, match=message):
            list(stream_tsv(write(f"a\tb\n{content}")))
