"""Versions are folders; a file with a number for a name is none."""

from tf_transformer.utils.versions import version_folders


def test_files_and_other_names_are_no_versions(tmp_path):
    for name in ("2", "10", "1a", "-3", "٤"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").touch()
    assert version_folders(tmp_path) == {2: tmp_path / "2", 10: tmp_path / "10"}
    assert version_folders(tmp_path / "none") == {}
