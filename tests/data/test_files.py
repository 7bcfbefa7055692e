"""Files are read strictly; errors name path and line."""

import gzip
import warnings

import pytest

from tf_transformer.data.corpus import split_pairs
from tf_transformer.data.files import read_pairs, read_parallel, read_tsv
from tf_transformer.data.lines import read_lines


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


def tsv(pairs):
    return "".join(f"{source}\t{target}\n" for source, target in pairs)


def numbered(num_pairs, word="sentence"):
    return [(f"{word} {i}", f"문장 {i}") for i in range(num_pairs)]


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.tsv.gz"])
def test_one_file_is_split_by_hash(write, name):
    corpus = read_tsv(write(name, tsv(numbered(230))))
    assert corpus.splits == split_pairs(numbered(230))
    assert corpus.name == name


def test_gzip_is_recognised_without_its_ending(write):
    assert read_lines(write("lines", gzip.compress(b"a\nb\n"))) == ["a", "b"]


def test_further_columns_are_ignored(write):
    path = write("pairs.tsv", "a\t1\tCC-BY\nb\t2\nc\t3\t\t\n")
    assert read_tsv(path, test=path).train == [("a", "1"), ("b", "2"), ("c", "3")]


def test_separate_files_override_the_split(write):
    train, other = (
        write("a.tsv", tsv(numbered(70))),
        write("b.tsv", tsv(numbered(5, "x"))),
    )
    third = write("c.tsv", tsv(numbered(3, "y")))
    only_validation = read_tsv(train, validation=other)
    assert only_validation.train == numbered(70)
    assert only_validation.validation == numbered(5, "x")
    assert only_validation.test == []
    only_test = read_tsv(train, test=other)
    assert (only_test.validation, only_test.test) == ([], numbered(5, "x"))
    both = read_tsv(train, validation=other, test=third)
    assert (both.validation, both.test) == (numbered(5, "x"), numbered(3, "y"))


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_parallel_files_are_read_line_by_line(write, ending):
    source = write("a.en" + ending, "a cat\na dog\na cow\n")
    target = write("a.ko" + ending, "고양이\n개\n소")
    pairs = [("a cat", "고양이"), ("a dog", "개"), ("a cow", "소")]
    assert read_pairs(source, target) == pairs
    assert read_parallel(source, target).splits == split_pairs(pairs)
    corpus = read_parallel(source, target, validation=(source, target))
    assert (corpus.train, corpus.validation, corpus.test) == (pairs, pairs, [])
    assert read_parallel(source, target, test=(target, source)).test[0] == (
        "고양이",
        "a cat",
    )


def test_line_ends_mark_and_blanks_are_removed(write):
    path = write("lines", "\ufeff first \r\n\r\n\tthird\u00a0\nlast")
    assert read_lines(path) == ["first", "", "third", "last"]


def test_only_a_line_feed_ends_a_line(write):
    inside = "a\u2028b\x0bc\x85d\x1ce\x0cf\rg"
    path = write("pairs.tsv", f"{inside}\t{inside}\r\n")
    assert read_tsv(path, test=path).train == [(inside, inside)]
    assert read_lines(write("lines", f"{inside}\n{inside}\n")) == [inside, inside]


def test_a_mark_in_the_middle_of_a_file_stays(write):
    assert read_lines(write("lines", "a\n\ufeffb\n")) == ["a", "\ufeffb"]


def test_pairs_with_an_empty_side_are_skipped_and_counted_once(write):
    path = write("pairs.tsv", "a\t1\n\t2\nc\t \n\nd\t4\n")
    with pytest.warns(
        UserWarning, match=r"Skipped 3 of 5 pairs in .*pairs\.tsv"
    ) as seen:
        pairs = read_tsv(path, test=write("test.tsv", "x\ty\n")).train
    assert pairs == [("a", "1"), ("d", "4")]
    assert len(seen) == 1


def test_empty_lines_of_parallel_files_keep_the_others_together(write):
    source, target = write("a.en", "a\n\nc\nd\n"), write("a.ko", "1\n2\n\n4\n")
    with pytest.warns(
        UserWarning, match=r"Skipped 2 of 4 pairs in .*a\.en and .*a\.ko"
    ):
        corpus = read_parallel(source, target, validation=(source, target))
    assert corpus.train == corpus.validation == [("a", "1"), ("d", "4")]
    expected = [("a", "1"), ("", "2"), ("c", ""), ("d", "4")]
    assert read_pairs(source, target) == expected


def test_clean_files_give_no_warning(write):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_tsv(write("pairs.tsv", tsv(numbered(12))))


def test_unequal_line_counts_name_both_files(write):
    source, target = write("a.en", "a\nb\nc\n"), write("a.ko", "1\n2\n")
    message = r"same number of lines.*a\.en with 3 lines, .*a\.ko with 2 lines"
    with pytest.raises(ValueError, match=message):
        read_parallel(source, target)


@pytest.mark.parametrize("name", ["bad.tsv", "bad.tsv.gz"])
def test_invalid_utf8_names_path_and_line(write, name):
    path = write(name, b"a\t1\nb\t2\n" + b"caf\xe9\t3\n")
    message = rf"not valid UTF-8.*Received: .*{name}:3: the byte 0xe9 at position 3"
    with pytest.raises(ValueError, match=message):
        read_tsv(path)


def test_utf16_is_refused_on_its_first_line(write):
    path = write("wide.txt", "a\tb\n".encode("utf-16"))
    with pytest.raises(ValueError, match=r"not valid UTF-8.*wide\.txt:1"):
        read_lines(path)


def test_a_line_with_one_column_names_path_line_and_text(write):
    path = write("pairs.tsv", "a\t1\n\nno tab here " + "x" * 90 + "\n")
    message = r"only one column.*TAB.*Received: .*pairs\.tsv:3: 'no tab here x{28}'"
    with pytest.raises(ValueError, match=message):
        read_tsv(path)


@pytest.mark.parametrize("content", ["", "\n\n", "\t\n"])
def test_a_file_without_pairs_is_an_error(write, content):
    with pytest.raises(ValueError, match=r"no sentence pairs.*Received: .*empty\.tsv"):
        read_tsv(write("empty.tsv", content))


def test_a_missing_file_or_a_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Expected.*Received: '.*none\.tsv'"):
        read_tsv(tmp_path / "none.tsv")
    with pytest.raises(FileNotFoundError, match="a folder"):
        read_lines(tmp_path)


def test_a_damaged_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "half.gz"
    path.write_bytes(gzip.compress(b"line\n" * 1000)[:40])
    with pytest.raises(ValueError, match=r"damaged.*Received: '.*half\.gz'"):
        read_lines(path)


def test_a_parallel_split_needs_two_paths(write):
    source, target = write("a.en", "a\n"), write("a.ko", "1\n")
    with pytest.raises(
        ValueError, match=r"Expected test=\(source.*Received: test='ab'"
    ):
        read_parallel(source, target, test="ab")
