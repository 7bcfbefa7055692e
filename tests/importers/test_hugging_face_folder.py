"""Views of memory in a file of PyTorch."""

import numpy as np
import pytest

from tf_transformer.importers.hugging_face_folder import read_torch

torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")


def test_views_of_one_matrix_keep_their_order(tmp_path):
    path, matrix = tmp_path / "pytorch_model.bin", torch.arange(9.0).reshape(3, 3)
    torch.save({"a": matrix, "tied": matrix, "turned": matrix.T}, path)
    found = read_torch(path)
    expected = np.arange(9, dtype="float32").reshape(3, 3)
    np.testing.assert_array_equal(found["a"], expected)
    np.testing.assert_array_equal(found["turned"], expected.T)
    assert found["tied"] is found["a"]


def test_a_number_that_is_repeated_beyond_the_file_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.ones(1).expand(300, 500)}, path)
    with pytest.raises(ValueError, match="cannot be read.*600000 bytes of tensors"):
        read_torch(path)
