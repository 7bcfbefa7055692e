"""Readers of weights, on whole and on hostile files."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

from tests.importers.marian_files import (
    FLOAT32,
    INTGEMM,
    binary,
    item,
    quantized_item,
    settings_array,
)
from tests.peak_memory import peak_megabytes
from tf_transformer.importers.binary_file import read_binary
from tf_transformer.importers.hugging_face_folder import read_torch
from tf_transformer.importers.npz_file import read_npz
from tf_transformer.importers.safetensors_file import (
    read_safetensors,
    write_safetensors,
)

GENERATOR = np.random.default_rng(4)
FLOATS = GENERATOR.standard_normal((3, 5)).astype(np.float32)
BYTES = GENERATOR.integers(-127, 128, (4, 6)).astype(np.int8)
TEXT = settings_array("type: transformer\n")


def items():
    return {
        "decoder_W": quantized_item(BYTES, 8.0),
        "Wemb": quantized_item(BYTES, 0.5, transposed=False),
        "decoder_bias": item(FLOATS),
        "special:model.yml": item(TEXT),
    }


def test_a_binary_file_gives_its_numbers(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(binary(items()))
    found = read_binary(path)
    assert list(found) == list(items())
    np.testing.assert_array_equal(found["decoder_W"], BYTES / np.float32(8))
    np.testing.assert_array_equal(found["Wemb"], BYTES / np.float32(0.5))
    np.testing.assert_array_equal(found["decoder_bias"], FLOATS)
    assert found["special:model.yml"].tobytes() == b"type: transformer\n\0"
    assert {a.dtype for n, a in found.items() if n[0] != "s"} == {np.dtype("f4")}


def test_a_binary_file_may_have_half_precision(tmp_path):
    path, half = tmp_path / "model.bin", FLOATS.astype("<f2")
    path.write_bytes(binary({"a": (0x402, half.shape, half.tobytes())}))
    found = read_binary(path)["a"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, half.astype("f4"))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_binary_file_is_refused(tmp_path, share):
    path, whole = tmp_path / "model.bin", binary(items())
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"model\.bin is not a model.*Received: \d+"):
        read_binary(path)


HUGE = 2**62
HOSTILE = {
    "magic": (binary(items(), version=2), "version 1 of Marian's binary"),
    "text": (b"This is no model at all, but some text of a page.", "version 1"),
    "many items": (struct.pack("<QQ", 1, HUGE), f"Expected {32 * HUGE} more bytes"),
    "long name": (struct.pack("<6Q", 1, 1, HUGE, FLOAT32, 2, 4), "more bytes"),
    "dimensions": (struct.pack("<6Q", 1, 1, 1, FLOAT32, HUGE, 4) + b"\0", "more bytes"),
    "padding": (binary({}, padding=3)[:-3], "Expected 3 more bytes"),
    "huge shape": (binary({"a": (FLOAT32, (2**30, 2**30), b"1234")}), "values of a"),
    "huge int8": (binary({"a": (INTGEMM, (2**30, 2**30), b"1234")}), "values of a"),
    "no multiplier": (binary({"a": (INTGEMM, (2, 2), b"1234")}), "1 values of a"),
    "zero multiplier": (binary({"a": quantized_item(BYTES, 0.0)}), "above 0 for a"),
    "nan multiplier": (binary({"a": quantized_item(BYTES, np.nan)}), "above 0 for a"),
    "negative": (binary({"a": (FLOAT32, (-1, 2), b"12345678")}), "at least 0 for a"),
    "vector": (binary({"a": (INTGEMM, (4,), bytes(256))}), "a matrix as a"),
    "type": (binary({"a": (0x4201, (2, 2), bytes(256))}), "Received: 0x4201"),
    "more": (binary(items()) + b"\0", "the end after the last item"),
    "no UTF-8": (binary({"a": item(FLOATS)}).replace(b"a\0", b"\xff\0"), "UTF-8"),
    "twice": (
        binary({"aa": item(FLOATS), "ab": item(FLOATS)}).replace(b"ab\0", b"aa\0"),
        "aa twice",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_binary_file_is_refused_without_memory(tmp_path, name):
    path, (contents, message) = tmp_path / "model.bin", HOSTILE[name]
    path.write_bytes(contents)

    def read():
        with pytest.raises(ValueError, match=message) as refusal:
            read_binary(path)
        assert str(path) in str(refusal.value)

    assert peak_megabytes(read) < 1


def test_random_bytes_in_a_binary_file_never_do_anything_else(tmp_path):
    path, whole = tmp_path / "model.bin", binary(items())
    for _ in range(300):
        spoilt = bytearray(whole)
        for place in GENERATOR.integers(0, 300, 3):
            spoilt[place] = GENERATOR.integers(256)
        path.write_bytes(spoilt)
        try:
            read_binary(path)
        except ValueError as error:
            assert str(path) in str(error)


def test_an_npz_file_gives_its_numbers(tmp_path):
    path = tmp_path / "model.npz"
    arrays = {"decoder_W": np.asfortranarray(FLOATS), "decoder_b": FLOATS[0]}
    np.savez(path, **arrays, double=FLOATS.astype("f8"), text=TEXT)
    found = read_npz(path)
    assert set(found) == {"decoder_W", "decoder_b", "double", "text"}
    np.testing.assert_array_equal(found["decoder_W"], FLOATS)
    np.testing.assert_array_equal(found["decoder_b"], FLOATS[0])
    assert found["double"].dtype == np.float32
    np.testing.assert_array_equal(found["double"], FLOATS)
    np.testing.assert_array_equal(found["text"], TEXT)


def npy(shape, dtype="<f4", data=b"1234"):
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    return head + header.encode() + data


def zipped(contents, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("a.npy", contents)
    return file.getvalue()


def bomb():
    """Few bytes on disk, 268 MB in memory."""
    return zipped(npy((2**26,), data=bytes(2**28)), zipfile.ZIP_DEFLATED)


def pickled():
    file = io.BytesIO()
    np.savez(file, a=np.array([{"code": 1}], dtype=object))
    return file.getvalue()


BAD_NPZ = {
    "text": b"no zip",
    "empty": b"",
    "huge shape": zipped(npy((2**40, 2**30))),
    "short": zipped(npy((2,))),
    "long": zipped(npy((), data=bytes(8))),
    "no array": zipped(b"1234567890"),
    "version": zipped(npy((1,)).replace(b"\x01\x00", b"\x07\x00", 1)),
    "object": pickled(),
    "strings": zipped(npy((1,), "<U1")),
    "compressed": zipped(npy((1,)), zipfile.ZIP_DEFLATED),
    "bomb": bomb,
    "truncated": zipped(npy((1,)))[:-30],
    "changed": zipped(npy((1,))).replace(b"1234", b"1235"),
}


@pytest.mark.parametrize("name", BAD_NPZ)
def test_a_hostile_npz_file_is_refused_without_memory(tmp_path, name):
    path = tmp_path / "model.npz"
    contents = BAD_NPZ[name]
    path.write_bytes(contents() if callable(contents) else contents)

    def read():
        with pytest.raises(ValueError, match=r"model\.npz is not a model.*Received: "):
            read_npz(path)

    assert peak_megabytes(read) < 4


def test_safetensors_files_are_those_of_the_library(tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
    path = tmp_path / "model.safetensors"
    arrays = {"a": FLOATS, "b": FLOATS[0].astype("f2"), "c": FLOATS.astype("f8")}
    library.save_file(arrays, path, metadata={"format": "pt"})
    found = read_safetensors(path)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array.astype("f4"))
    write_safetensors(path, {"x": FLOATS.T, "y": FLOATS[1]})
    found = library.load_file(path)
    np.testing.assert_array_equal(found["x"], FLOATS.T)
    np.testing.assert_array_equal(found["y"], FLOATS[1])
    for name in ("a", "longer"):  # numbers start at a multiple of 8 bytes
        write_safetensors(path, {name: FLOATS})
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def safetensors(header, data=b"12345678", size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def entry(**changes):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}
    return safetensors({"a": entry})


BAD_SAFETENSORS = {
    "empty": b"",
    "text": b"no tensors here, just text",
    "huge header": safetensors({}, size=2**62),
    "no JSON": safetensors(b"{"),
    "list": safetensors([1]),
    "deep": safetensors(b"[" * 100_000),
    "no shape": safetensors({"a": {"dtype": "F32", "data_offsets": [0, 8]}}),
    "huge shape": entry(shape=[2**40, 2**40]),
    "beyond the end": entry(shape=[4], data_offsets=[0, 16]),
    "before the start": entry(data_offsets=[-8, 0]),
    "backwards": entry(data_offsets=[8, 0]),
    "negative": entry(shape=[-2, -1]),
    "type": entry(dtype="I64", shape=[1]),
    "fraction": entry(shape=[0.5, 4]),
    "shared bytes": safetensors(
        {
            name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
            for name in ("a", "b")
        }
    ),
}


@pytest.mark.parametrize("name", BAD_SAFETENSORS)
def test_a_hostile_safetensors_file_is_refused_without_memory(tmp_path, name):
    path = tmp_path / "model.safetensors"
    path.write_bytes(BAD_SAFETENSORS[name])

    def read():
        with pytest.raises(ValueError, match=r"model\.safetensors cannot be read"):
            read_safetensors(path)

    assert peak_megabytes(read) < 2


def test_a_bfloat16_tensor_is_the_upper_half_of_float32(tmp_path):
    path = tmp_path / "model.safetensors"
    half = np.array([1.5, -0.15625], "<f4").view("<u4") >> 16
    header = {"a": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [0, 4]}}
    path.write_bytes(safetensors(header, half.astype("<u2").tobytes()))
    assert read_safetensors(path)["a"].tolist() == [[1.5], [-0.15625]]


class _Calls:
    def __reduce__(self):
        return print, ("code was run",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
def test_a_file_of_pytorch_runs_no_code(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.from_numpy(FLOATS).half()}, path)
    expected = FLOATS.astype("f2").astype("f4")
    np.testing.assert_array_equal(read_torch(path)["a"], expected)
    for wrong in ({"a": _Calls()}, [torch.zeros(1)], {"a": 3}):
        torch.save(wrong, path)
        with pytest.raises(ValueError, match=r"pytorch_model\.bin cannot be read"):
            read_torch(path)
    for contents in (b"", b"text", b"\x80\x04."):
        path.write_bytes(contents)
        with pytest.raises(ValueError, match=r"pytorch_model\.bin cannot be read"):
            read_torch(path)
    assert "code was run" not in capsys.readouterr().out
