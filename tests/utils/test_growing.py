"""Logs are cut back to their earlier sizes; logs that are new since then go."""

from tf_transformer.utils.growing import cut_back, file_sizes


def test_logs_are_as_they_were(tmp_path):
    before = {"log.a": b"abcde", "log.short": b"xyz", "notes": b"12"}
    for name, contents in before.items():
        (tmp_path / name).write_bytes(contents)
    sizes = file_sizes(tmp_path, "log.*")
    assert sizes == {"log.a": 5, "log.short": 3}
    (tmp_path / "log.a").write_bytes(b"abcdefgh")
    (tmp_path / "log.short").write_bytes(b"x")
    (tmp_path / "log.new").write_bytes(b"later")
    (tmp_path / "notes").write_bytes(b"1234")
    cut_back(tmp_path, "log.*", sizes)
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    # a log that has become shorter is not filled up
    assert found == {"log.a": b"abcde", "log.short": b"x", "notes": b"1234"}


def test_a_folder_that_does_not_exist_has_no_logs(tmp_path):
    assert file_sizes(tmp_path / "none", "*") == {}
    cut_back(tmp_path / "none", "*", {"log": 3})
    assert not (tmp_path / "none").exists()
