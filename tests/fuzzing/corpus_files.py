"""Readers of sentence pairs and of lines."""

import functools
import gzip
import itertools

from tests.fuzzing.target import IN_FOLDER, Target, must, write
from tf_transformer.cli.lines import file_lines
from tf_transformer.data.corpus import split_pairs
from tf_transformer.data.files import read_pairs, stream_parallel, stream_tsv

PAIRS = [("a cat", "고양이"), ("a dog, a cow", "개"), ("I am a student", "나는 학생")]
TSV = "".join(f"{source}\t{target}\n" for source, target in PAIRS)
SEPARATOR = b"\xff\xfe"


def check_pairs(stream):
    """Reads a stream twice; pairs are clean text that every later step can use."""
    pairs = list(stream)
    must(list(stream) == pairs, "another pass gives other pairs")
    for text in itertools.chain.from_iterable(pairs):
        must(text and text == text.strip(), "a text that is empty or not stripped")
        must("\n" not in text, "a line break in a text")
        text.encode()  # a lone surrogate raises an error
    if len(pairs) > 9:
        splits = split_pairs([*pairs, *PAIRS])
        must(sum(map(len, splits.values())) == len(pairs) + 3, "a pair is lost")


def read_table(name, data):
    check_pairs(stream_tsv(write(name, data)))


def read_gzip(data):
    """Bytes as they are or packed; the header alone makes a file gzip."""
    packed = gzip.compress(data[1:], 1) if data[:1] < b"\x80" else data[1:]
    check_pairs(stream_tsv(write("pairs.gz", packed)))


def read_parallel(data):
    parts = (data.split(SEPARATOR) + [b""])[:2]
    paths = [write(f"parallel.{i}", part) for i, part in enumerate(parts)]
    check_pairs(stream_parallel(*paths))
    read_pairs(*paths)


def read_lines(data):
    for line in file_lines([str(write("lines", data))]):
        line.text.encode()


def tsv_seeds():
    extra = "\ufeffsource\ttarget\tid\n" + TSV.replace("\n", "\tx\r\n")
    return [text.encode() for text in (TSV, TSV * 4, extra, "en\tde\n" + TSV)]


def lines_seeds():
    return [*tsv_seeds(), gzip.compress(TSV.encode(), mtime=0)]


def csv_seeds():
    rows = "".join(f'"{source}","{target}"\n' for source, target in PAIRS)
    broken = 'id,target,source\n1,"a ""b""\nc",d\n2,e,f\n'
    return [rows.encode(), broken.encode()]


def jsonl_seeds():
    import json

    rows = [
        json.dumps({"id": i, "source": s, "target": t}, ensure_ascii=bool(i % 2))
        for i, (s, t) in enumerate(PAIRS)
    ]
    escapes = r'{"target": "\ud83d\ude00\n\u0041", "source": "\\ \" \/ b"}'
    return ["\n".join(rows).encode(), f"{escapes}\n\n".encode()]


def gzip_seeds():
    packed = gzip.compress(TSV.encode(), 9, mtime=0)
    return [b"\0" + TSV.encode(), b"\xff" + packed, b"\xff" + packed + packed]


def parallel_seeds():
    sides = ["".join(f"{p[i]}\n" for p in PAIRS).encode() for i in range(2)]
    return [
        SEPARATOR.join(sides),
        SEPARATOR.join([b"en\n" + sides[0], b"ko\n" + sides[1]]),
    ]


TARGETS = [
    Target(
        "tsv", functools.partial(read_table, "a.tsv"), tsv_seeds, in_error=IN_FOLDER
    ),
    Target(
        "csv", functools.partial(read_table, "a.csv"), csv_seeds, in_error=IN_FOLDER
    ),
    Target(
        "jsonl",
        functools.partial(read_table, "a.jsonl"),
        jsonl_seeds,
        in_error=IN_FOLDER,
    ),
    Target("gzip", read_gzip, gzip_seeds, in_error=IN_FOLDER),
    Target("parallel_files", read_parallel, parallel_seeds, in_error=IN_FOLDER),
    Target("lines", read_lines, lines_seeds, in_error=IN_FOLDER),
]
