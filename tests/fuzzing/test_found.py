"""Files that the fuzzer or its writing found, and others of their kind."""

import gzip
import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from tests.fuzzing.run_folders import STATE
from tests.importers.hugging_face_folders import SOURCE_LINES, train_pieces
from tests.importers.marian_files import FLOAT32, INTGEMM, binary
from tf_transformer.cli.lines import file_lines
from tf_transformer.data import lines
from tf_transformer.data.files import stream_tsv
from tf_transformer.data.sentencepiece_model import load_processor
from tf_transformer.importers.binary_file import read_binary
from tf_transformer.importers.hugging_face_folder import read_torch
from tf_transformer.importers.npz_file import read_npz
from tf_transformer.importers.safetensors_file import read_safetensors
from tf_transformer.importers.settings import (
    check_settings,
    parse_yaml,
    parse_yaml_vocabulary,
    read_json_vocabulary,
)
from tf_transformer.runs.checkpoint_state import check_state
from tf_transformer.runs.contents import check_sizes
from tf_transformer.utils.checksum import DamagedFile
from tf_transformer.utils.npz import open_npz


def refused(function, match, megabytes=8):
    """The function raises a ValueError with little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match):
            function()
        assert tracemalloc.get_traced_memory()[1] < megabytes * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "line",
    [
        r'{"source": "\ud800", "target": "a"}',
        r'{"source": "a", "target": "b \udfff"}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"source": ' + "9" * 5_000 + "}",
    ],
    ids=["surrogate", "low surrogate", "deep list", "deep object", "long number"],
)
def test_a_line_of_json_that_is_no_pair_is_named(tmp_path, line):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"source": "a", "target": "\\ud83d\\ude00"}\n' + line)
    with pytest.raises(ValueError, match=r"is not a pair.*pairs\.jsonl:2: "):
        list(stream_tsv(path))


@pytest.mark.parametrize("read", [stream_tsv, lambda path: file_lines([str(path)])])
def test_a_line_has_a_longest_length(tmp_path, monkeypatch, read):
    assert lines.MAX_LINE_BYTES == 2**24
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1_000)
    path = tmp_path / "lines.gz"
    longest = b"a\t" + b"b" * 997 + b"\n"
    path.write_bytes(gzip.compress(longest))
    assert len(list(read(path))) == 1
    path.write_bytes(gzip.compress(b"a\tb\n" + b"c" * 2**25, 1))
    refused(lambda: list(read(path)), r"at most 1000 bytes.*lines\.gz:2", 1)


@pytest.mark.parametrize(
    "change", [lambda c: c[:-9], lambda c: c[:20] + b"zz" + c[22:]]
)
def test_damaged_gzip_to_translate_is_named(tmp_path, change):
    path = tmp_path / "lines.gz"
    path.write_bytes(change(gzip.compress(b"a line\n" * 999)))
    with pytest.raises(ValueError, match=r"complete gzip file.*lines\.gz'"):
        list(file_lines([str(path)]))


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        *(LAUGHS, MERGES, "a: &a [*a]", "!!bool x: 1", "a: !!bool x", 'a: !!int ""'),
        *('a: !!float ""', "a: !!timestamp x", "a: !!binary é", "? {}"),
        *("a: 2001-99-99", "\ud800: 1", "a: !!python/name:os.system"),
    ],
    ids=lambda text: text[:20],
)
def test_yaml_that_is_no_plain_mapping_is_refused(text):
    for parse in (parse_yaml, parse_yaml_vocabulary):
        tracemalloc.start()
        try:
            parse(text, "x.yml")
        except ValueError as error:
            assert "x.yml cannot be read" in str(error)
        else:
            assert parse is parse_yaml_vocabulary  # tags are text there
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        tracemalloc.stop()


@pytest.mark.moderate
def test_deeply_nested_yaml_is_refused():
    with pytest.raises(ValueError, match=r"x\.yml cannot be read.*recursion"):
        parse_yaml("[" * 2_000, "x.yml")


def test_a_wrong_value_is_shown_in_short():
    nested = ["x" * 1000] * 1000
    with pytest.raises(ValueError, match="Received: ") as refusal:
        check_settings({"a": nested}, "x", used=(), fixed={"a": (1,)}, ignored=())
    assert len(str(refusal.value)) < 500


def test_a_piece_is_unicode(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text('{"\\ud800": 0}')
    with pytest.raises(ValueError, match=r"vocab\.json.*pieces of Unicode.*Received"):
        read_json_vocabulary(path)


def test_tensors_do_not_share_bytes(tmp_path):
    path, size = tmp_path / "model.safetensors", 2**20
    entry = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    header = json.dumps({f"a{i}": entry for i in range(500)}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    refused(lambda: read_safetensors(path), "524288000 bytes of tensors")


def archive(*names, entries=1):
    """Arrays in an archive whose directory lists the first one several times."""
    array, file = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros(2**18, np.float32))
    with zipfile.ZipFile(file, "w") as target:
        for name in names:
            target.writestr(name, array.getvalue())
        first = target.infolist()[0]
        for i in range(1, entries):
            entry = zipfile.ZipInfo(first.filename)
            for slot in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(entry, slot, getattr(first, slot))
            entry.filename = f"{i}.npy"
            target.filelist.append(entry)
            target.NameToInfo[entry.filename] = entry
    return file.getvalue()


def test_arrays_of_an_archive_do_not_share_bytes(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(archive("a.npy", entries=300))
    refused(lambda: read_npz(path), "300 arrays of 31461")
    path.write_bytes(archive("a.npy", "b.npy"))
    assert set(read_npz(path)) == {"a", "b"}


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'shape': (1",
        "{" * 90,
        "(" * 300,
        "{'descr': '<f4,' }",
        "[1]",
        r"{'\o': 1}",
    ],
)
def test_a_header_that_numpy_cannot_parse_is_named(tmp_path, header):
    text = header.encode() + b"\n"
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w") as target:
        magic = b"\x93NUMPY\x01\0" + struct.pack("<H", len(text))
        target.writestr("a.npy", magic + text)
    with pytest.raises(ValueError, match=r"model\.npz.*Received: a: "):
        read_npz(path)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1,) * 70, "a shape for a"), ((0, 2**31 - 1, 2**31 - 1, 2**31 - 1), "a shape")],
)
def test_a_shape_that_numpy_lacks_is_named(tmp_path, shape, message):
    path = tmp_path / "model.bin"
    data = bytes(4 * int(np.prod(shape, dtype=object)))
    path.write_bytes(binary({"a": (FLOAT32, shape, data)}))
    with pytest.raises(ValueError, match=rf"model\.bin.*{message}"):
        read_binary(path)


def test_numbers_beyond_float32_become_infinite_without_a_warning(tmp_path):
    path = tmp_path / "model.bin"
    data = bytes([1] * 6) + struct.pack("<f", 1e-45)
    path.write_bytes(binary({"a": (INTGEMM, (2, 3), data)}))
    assert np.isinf(read_binary(path)["a"]).all()
    np.savez(tmp_path / "model.npz", a=np.array([1e300, np.nan]))
    assert read_npz(tmp_path / "model.npz")["a"][0] == np.inf
    header = {"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + struct.pack("<d", -1e300))
    assert read_safetensors(path)["a"][0] == -np.inf


def test_a_view_of_pytorch_needs_the_memory_of_the_file(tmp_path):
    torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.zeros(1).half().expand(2**30)}, path)
    refused(
        lambda: read_torch(path), r"pytorch_model\.bin.*2147483648 bytes of tensors"
    )
    weight = torch.arange(2.0**14)
    torch.save(dict.fromkeys("abcd", weight), path)  # tied weights
    found = read_torch(path)
    assert [*found] == [*"abcd"] and found["d"][-1] == 2**14 - 1


@pytest.mark.parametrize("array", [np.zeros(2**20), np.array(["a"])])
def test_compressed_arrays_and_texts_are_refused(tmp_path, array):
    path = tmp_path / "a.npz"
    save = np.savez_compressed if array.dtype.kind == "f" else np.savez
    save(path, a=array)

    def read():
        with open_npz(path) as arrays:
            arrays.read("a")

    refused(read, r"a\.npz is damaged.*Received: a")


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": "3"},
        {"epoch": -1},
        {"data": [[3, 0, 0], 345, 6789]},
        {"data": [[3, 0, 0, 0], 345, None]},
        {"best": {"best": 1.0}},
        {"best": {"best": None, "best_epoch": 3}},
        {"log": {"size": "big", "seconds": 0.5}},
        {"events": {"events.out.tfevents.1": [1]}},
        {"metrics": [1.0, ["a"]]},
        {"points": {"loss": [1.0]}},
        {"points": {"loss": [1.0, 10**400]}},
    ],
    ids=str,
)
def test_a_state_that_training_cannot_restore_is_damaged(tmp_path, changes):
    path = tmp_path / "epoch-0003.npz"
    assert check_state(STATE, path) is STATE
    [name] = changes
    with pytest.raises(DamagedFile, match=rf"epoch-0003\.npz.*Received: {name}: "):
        check_state({**STATE, **changes}, path)


@pytest.mark.parametrize(
    "name", ["vocab_size", "target_vocab_size", "d_model", "d_ff", "num_layers"]
)
def test_a_model_is_no_larger_than_its_weights(tmp_path, name):
    weights = tmp_path / "best.weights.h5"
    weights.write_bytes(bytes(100_000))
    sizes = {"vocab_size": 330, "d_model": 12, "d_ff": 17, "max_length": 2048}
    check_sizes(sizes, weights, tmp_path / "config.json")
    with pytest.raises(ValueError, match=rf"config\.json.*Expected {name} of at most"):
        check_sizes({**sizes, name: 2**40}, weights, tmp_path / "config.json")


def test_pieces_of_a_model_are_utf8():
    model = train_pieces(SOURCE_LINES)
    broken = model.replace("▁".encode(), b"\xe2\x96\x20")
    assert broken != model
    with pytest.raises(ValueError, match="cannot be read.*Received: "):
        load_processor(broken)
