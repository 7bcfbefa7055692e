"""One process at a time locks a folder, also after others were refused."""

import pytest

from tf_transformer.utils.atomic import new_folder
from tf_transformer.utils.lock import FolderInUse, locked


def test_a_refused_process_does_not_remove_the_folder(tmp_path):
    folder = tmp_path / "run"
    with locked(folder):
        for _ in range(2):
            with pytest.raises(FolderInUse, match="Another process"), locked(folder):
                pass
            assert folder.is_dir()
    assert not folder.exists()


def test_a_folder_with_files_stays_and_is_free_again(tmp_path):
    with locked(tmp_path / "run"):
        (tmp_path / "run" / "config.json").touch()
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / "config.json").exists()


def test_a_file_is_no_folder_to_lock_or_to_write_into(tmp_path):
    file = tmp_path / "pairs.tsv"
    file.write_text("a\tb\n")
    message = f"Expected the path of a folder.*Received: {file}, a file"
    with pytest.raises(NotADirectoryError, match=message), locked(file):
        pass
    with pytest.raises(NotADirectoryError, match=message), new_folder(file / "1"):
        pass
    assert file.read_text() == "a\tb\n"
