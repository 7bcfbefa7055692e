"""Writes Marian's files, from the description of their format alone."""

import struct

import numpy as np

FLOAT32, INT8, INTGEMM = 0x404, 0x101, 0x4101
SETTINGS = "special:model.yml"


def item(array):
    """Type, shape and bytes of an array: float32, or int8 unchanged."""
    kind = FLOAT32 if array.dtype == np.float32 else INT8
    return kind, array.shape, array.tobytes()


def quantized_item(values, multiplier, transposed=True):
    """An int8 matrix of intgemm; `values` in the order of the formulas."""
    stored = values.T if transposed else values
    data = np.ascontiguousarray(stored).tobytes() + struct.pack("<f", multiplier)
    return INTGEMM, values.shape, data + bytes(-len(data) % 256)


def binary(items, version=1, padding=52):
    """The bytes of a `.bin` file."""
    names = [name.encode() + b"\0" for name in items]
    parts = [struct.pack("<QQ", version, len(items))]
    for name, (kind, shape, data) in zip(names, items.values(), strict=True):
        parts.append(struct.pack("<4Q", len(name), kind, len(shape), len(data)))
    parts += names
    parts += [struct.pack(f"<{len(s)}i", *s) for _, s, _ in items.values()]
    parts += [struct.pack("<Q", padding), bytes(padding)]
    parts += [data for _, _, data in items.values()]
    return b"".join(parts)


def settings_array(text):
    """Settings in YAML as Marian stores them."""
    return np.frombuffer(text.encode() + b"\0", np.int8)
