"""A damaged file is detected wherever the damage is."""

import hashlib

import numpy as np
import pytest

from tf_transformer.utils import checksum
from tf_transformer.utils.checksum import (
    DamagedFile,
    append_checksum,
    fingerprint,
    verify_checksum,
)


def write(path):
    path.write_bytes(bytes(range(256)) * 7)
    append_checksum(path)
    return path.read_bytes()


def test_the_end_of_the_file_is_its_sha256(tmp_path):
    contents = write(tmp_path / "file")
    body, _, digest = contents.rpartition(b"\nsha256 ")
    assert body == bytes(range(256)) * 7
    assert digest.decode() == hashlib.sha256(body).hexdigest()
    verify_checksum(tmp_path / "file")


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "file"
    contents = write(path)
    generator = np.random.default_rng(3)
    label = range(len(contents) - 72, len(contents) - 64)  # damaged, it is no label
    for place in generator.choice(len(contents), 60, replace=False):
        if place in label:
            continue
        changed = bytearray(contents)
        changed[place] ^= 1 << generator.integers(8)
        path.write_bytes(changed)
        with pytest.raises(DamagedFile, match="file is damaged.*differ"):
            verify_checksum(path)


def test_an_empty_file_is_damaged_and_one_without_a_checksum_is_not(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(DamagedFile, match="empty is damaged.*an empty file"):
        verify_checksum(tmp_path / "empty")
    (tmp_path / "old").write_bytes(b"without")
    verify_checksum(tmp_path / "old")


def test_every_byte_of_a_file_changes_its_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setattr(checksum, "_BLOCK", 5)
    monkeypatch.setattr(checksum, "_NUM_BLOCKS", 4)
    path, contents = tmp_path / "pairs.tsv", bytes(range(20))
    found = set()
    for place in range(20):
        path.write_bytes(contents[:place] + b"x" + contents[place + 1 :])
        found.add(fingerprint(path))
    path.write_bytes(contents)
    assert len({*found, fingerprint(path)}) == 21


def test_of_a_large_file_the_ends_and_the_size_count(tmp_path, monkeypatch):
    monkeypatch.setattr(checksum, "_BLOCK", 5)
    monkeypatch.setattr(checksum, "_NUM_BLOCKS", 4)
    path = tmp_path / "pairs.tsv"
    path.write_bytes(bytes(61))
    expected = fingerprint(path)
    # blocks begin at 0, 18, 37 and 56
    read = {start + i for start in (0, 18, 37, 56) for i in range(5)}
    for place in range(61):
        path.write_bytes(bytes(place) + b"x" + bytes(60 - place))
        assert (fingerprint(path) != expected) == (place in read)
    path.write_bytes(bytes(62))
    assert fingerprint(path) != expected
