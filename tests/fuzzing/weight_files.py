"""Readers of the weights of other programs."""

import functools
import io
import json
import struct
import zipfile

import numpy as np

from tests.fuzzing.target import IN_FOLDER, Target, must, write
from tests.importers.marian_files import binary, item, quantized_item, settings_array
from tf_transformer.importers.binary_file import read_binary
from tf_transformer.importers.hugging_face_folder import read_torch
from tf_transformer.importers.npz_file import read_npz
from tf_transformer.importers.safetensors_file import read_safetensors

FLOATS = np.arange(15, dtype=np.float32).reshape(3, 5)
BYTES = np.arange(-12, 12, dtype=np.int8).reshape(4, 6)
TEXT = settings_array("type: transformer\n")


def read_arrays(reader, name, data):
    """Arrays are numbers, and no larger than the file allows."""
    arrays = reader(write(name, data))
    for array in arrays.values():
        must(array.dtype.kind in "fiu", f"an array of {array.dtype}")
    # int8 and float16 become float32
    size = sum(array.nbytes for array in arrays.values())
    must(size <= 4 * len(data), f"{size} bytes from {len(data)}")


def read_member(data):
    """The contents of an array in an archive that is whole."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", data)
    read_arrays(read_npz, "model.npz", file.getvalue())


def read_header(data):
    """The header of safetensors with its right length."""
    header = struct.pack("<Q", len(data)) + data + FLOATS.tobytes()
    read_arrays(read_safetensors, "model.safetensors", header)


def read_pickle(data):
    """The pickled part of an archive of PyTorch that is whole."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(torch_seeds()[0])) as source,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for name in source.namelist():
            is_pickle = name.endswith("data.pkl")
            archive.writestr(name, data if is_pickle else source.read(name))
    read_torch(write("pytorch_model.bin", file.getvalue()))


def binary_seeds():
    items = {
        "decoder_W": quantized_item(BYTES, 8.0),
        "Wemb": quantized_item(BYTES, 0.5, transposed=False),
        "decoder_bias": item(FLOATS),
        "special:model.yml": item(TEXT),
    }
    half = {"a": (0x402, (3, 5), FLOATS.astype(np.float16).tobytes())}
    return [binary(items, padding=4), binary(half, padding=0)]


def npz_seeds():
    files = []
    for arrays in ({"a": FLOATS, "b": np.asfortranarray(FLOATS)}, {"t": TEXT}):
        file = io.BytesIO()
        np.savez(file, **arrays)
        files.append(file.getvalue())
    return files


def member_seeds():
    files = []
    for array in (FLOATS, FLOATS.astype("f8"), TEXT, BYTES[0, 0], FLOATS[:0]):
        file = io.BytesIO()
        np.save(file, array)
        files.append(file.getvalue())
    return files


def header_seeds():
    tensors = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        for name, dtype, shape, offsets in (
            ("a", "F32", [2, 5], [0, 40]),
            ("b", "BF16", [2, 3], [40, 52]),
            ("c", "F64", [], [52, 60]),
        )
    }
    return [json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()]


def safetensors_seeds():
    return [
        struct.pack("<Q", len(header)) + header + FLOATS.tobytes()
        for header in header_seeds()
    ]


@functools.cache
def torch_seeds():
    import torch

    file = io.BytesIO()
    torch.save({"a": torch.zeros(2, 3), "b": torch.ones(3).half()}, file)
    return [file.getvalue()]


def pickle_seeds():
    with zipfile.ZipFile(io.BytesIO(torch_seeds()[0])) as archive:
        [name] = [n for n in archive.namelist() if n.endswith("data.pkl")]
        return [archive.read(name)]


def target(name, reader, file, seeds):
    read = functools.partial(read_arrays, reader, file)
    return Target(name, read, seeds, in_error=IN_FOLDER)


TARGETS = [
    target("marian_bin", read_binary, "model.bin", binary_seeds),
    target("marian_npz", read_npz, "model.npz", npz_seeds),
    Target("marian_npz_array", read_member, member_seeds, in_error=IN_FOLDER),
    target("safetensors", read_safetensors, "model.safetensors", safetensors_seeds),
    Target("safetensors_header", read_header, header_seeds, in_error=IN_FOLDER),
    target("torch", read_torch, "pytorch_model.bin", torch_seeds),
    Target("torch_pickle", read_pickle, pickle_seeds, in_error=IN_FOLDER),
]
