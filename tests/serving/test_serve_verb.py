"""`tf-transformer serve`: its options reach the service, its errors are one line."""

import builtins
import os
import socket

import numpy as np
import pytest

from tests.export.toy_export import make_translator
from tf_transformer.cli import main
from tf_transformer.export import saved_model
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.serving import server
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.training.weights import save_weights


@pytest.fixture
def served(monkeypatch):
    """What `serve` was called with, instead of serving."""
    calls = []
    monkeypatch.setattr(server, "serve", lambda *arguments: calls.append(arguments))
    monkeypatch.delenv("TF_TRANSFORMER_TOKEN", raising=False)
    return calls


def one_error(capsys):
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tf-transformer: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_without_options_the_defaults_of_the_settings(served):
    assert main(["serve", "saved_models"]) == 0
    assert served == [("saved_models", "127.0.0.1", 8501, ServiceSettings())]


def test_every_option_arrives(served, tmp_path):
    token = tmp_path / "token"
    token.write_text("S3cret\n")
    texts = tmp_path / "texts"
    texts.write_text("a b\n\n학생\n", encoding="utf-8")
    arguments = (
        "serve models --host 0.0.0.0 --port 80 --versions all --log-text "
        f"--token-file {token} --batch-size 7 --batch-delay 3 --queue 99 --timeout 8 "
        "--max-body 1000 --max-sentences 9 --max-characters 11 --poll 4 "
        f"--warm-up {texts}"
    )
    assert main(arguments.split()) == 0
    settings = ServiceSettings(
        versions="all",
        poll_seconds=4,
        batch_size=7,
        batch_delay=0.003,
        queue_size=99,
        timeout=8,
        max_body=1000,
        max_sentences=9,
        max_characters=11,
        token="S3cret",
        log_text=True,
        warm_up_texts=("a b", "학생"),
    )
    assert served == [("models", "0.0.0.0", 80, settings)]
    assert "S3cret" not in repr(settings)


def test_options_of_access_arrive(served):
    words = "serve models --allowed-host a.org --allow-origin https://b.org"
    assert main([*words.split(), "--max-connections", "7"]) == 0
    [(*_, found)] = served
    hosts, origins = ("a.org",), ("https://b.org",)
    expected = {"allowed_hosts": hosts, "allowed_origins": origins}
    assert found == ServiceSettings(max_connections=7, **expected)


def test_the_token_may_stand_in_the_environment(served, monkeypatch):
    monkeypatch.setenv("TF_TRANSFORMER_TOKEN", "other\n")
    assert main(["serve", "models"]) == 0
    assert served[0][3].token == "other"


@pytest.mark.moderate
def test_a_run_is_exported_once_for_each_of_its_weights(
    served, tmp_path, capsys, monkeypatch
):
    translator = make_translator()
    run = RunDirectory(tmp_path / "mine")
    config = TrainingConfig(dropout_rate=0.1).resolved()
    run.begin(config, translator.tokenizer, translator.model)
    exported, is_training = [], False

    def fake_export(translator, path, settings, info):
        path.mkdir(parents=True)
        exported.append((path, settings, translator.model.get_weights()))
        if is_training:
            save_weights(translator.model, run.best_weights)

    monkeypatch.setattr(saved_model, "export_saved_model", fake_export)
    assert main(["serve", str(run.path)]) == 1
    assert "No epoch of this run has been finished yet" in capsys.readouterr().err
    save_weights(translator.model, run.best_weights)
    for _ in range(2):
        assert main(["serve", str(run.path)]) == 0
    models = run.path / "saved_models"
    [(path, settings, weights)] = exported
    assert (path, settings) == (models / "mine" / "1", SearchSettings())
    for one, other in zip(weights, translator.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    os.utime(run.best_weights, (1, 1))  # other weights, copied with their time
    is_training = True  # which writes better weights during the export
    for _ in range(2):
        assert main(["serve", str(run.path)]) == 0
        is_training = False
    assert main(["serve", str(run.path)]) == 0
    assert [path.name for path, *_ in exported] == ["1", "2", "3"]
    assert [folder for folder, *_ in served] == [str(models)] * 5


def test_restored_weights_are_exported_again(served, tmp_path, monkeypatch):
    """The highest version is served, which has the weights of before."""
    run = RunDirectory(tmp_path / "mine")
    (run.path / "logs").mkdir(parents=True)
    (run.path / "config.json").touch()
    run.best_weights.touch()
    monkeypatch.setattr(RunDirectory, "translator", lambda self: None)
    monkeypatch.setattr(RunDirectory, "evaluation", lambda self: None)
    monkeypatch.setattr(
        saved_model, "export_saved_model", lambda translator, path, *_: path.mkdir()
    )
    versions = run.path / "saved_models" / "mine"
    versions.mkdir(parents=True)
    for time in (1, 1, 2, 1, 1):
        os.utime(run.best_weights, (time, time))
        assert main(["serve", str(run.path)]) == 0
    times = [(versions / name).stat().st_mtime for name in ("1", "2", "3")]
    assert times == [1, 2, 1]
    assert len(list(versions.iterdir())) == 3


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_token_is_refused(served, tmp_path, capsys, content):
    (tmp_path / "token").write_text(content)
    arguments = ["serve", "models", "--token-file", str(tmp_path / "token")]
    assert main(arguments) == 1
    assert "The token must not be empty" in one_error(capsys)
    assert served == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "The text file cannot be opened. Expected the path of an existing file"),
        (b"\n\n", "Expected warm-up texts, one per line. Received: "),
        (b"a\n\xff\n", ":2: "),
    ],
)
def test_a_file_without_texts_is_refused(served, tmp_path, capsys, content, message):
    path = tmp_path / "texts"
    if content is not None:
        path.write_bytes(content)
    assert main(["serve", "models", "--warm-up", str(path)]) == 1
    assert message in one_error(capsys)
    assert served == []


def test_a_missing_folder(tmp_path, capsys):
    assert main(["serve", str(tmp_path / "none")]) == 1
    assert "There is no folder to serve" in one_error(capsys)


def test_a_folder_without_models(tmp_path, capsys):
    assert main(["serve", str(tmp_path)]) == 1
    assert "The folder contains no exported model. Expected" in one_error(capsys)


def test_a_port_in_use(exports, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(exports), "--port", str(port)]) == 1
    message = f"Cannot listen on 127.0.0.1:{port}: Address already in use"
    assert message in one_error(capsys)


def test_a_host_that_is_not_ours(exports, capsys):
    assert main(["serve", str(exports), "--host", "203.0.113.7", "--port", "0"]) == 1
    assert "Cannot listen on 203.0.113.7:0: " in one_error(capsys)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_invalid_port_is_refused(capsys, port):
    with pytest.raises(SystemExit):
        main(["serve", "models", "--port", port])
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "prometheus_client"])
def test_a_missing_package_is_named_with_its_remedy(monkeypatch, capsys, package):
    real_import = builtins.__import__

    def without(name, *arguments, **others):
        if name == "tf_transformer.serving.server":
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real_import(name, *arguments, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["serve", "models"]) == 1
    message = one_error(capsys)
    assert package in message
    assert 'pip install "tf_transformer[serve]"' in message
