"""Files of pairs stay the same during training."""

import pytest

from tf_transformer.runs.fingerprints import UnchangedPairs


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n")
    pairs = UnchangedPairs([("a", "b")], [path])
    assert list(pairs) == [("a", "b")]
    iterator = iter(pairs)
    next(iterator)
    path.write_text("a\tb\nc\td\n")
    with pytest.raises(ValueError, match="changed during training.*a.tsv"):
        next(iterator)
