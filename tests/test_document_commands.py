"""Commands in documents and programs are accepted by the programs they call."""

import argparse
import ast
import configparser
import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import keras
import pytest

from tests.document_blocks import ROOT, commands, text_of
from tf_transformer.cli import make_parser

DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for folder in (".", "docs", "notebooks", "scripts", "saved_models")
    for path in sorted((ROOT / folder).glob("*.md"))
]
PROGRAMS = [
    path.relative_to(ROOT).as_posix()
    for folder in ("scripts", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
# programs that are not checked here, and why
NOT_CHECKED = {
    "./c_client": "tests/export/test_c_client.py runs it",
    "docker": "TensorFlow Serving's image",
    "export": "sets a variable of the shell",
    "gcc": "tests/export/test_c_client.py runs it",
    "jupyter": "opens a browser",
    "kubectl": "needs a cluster",
    "mlflow": "installs hundreds of megabytes",
    "node": "needs packages of npm",
    "saved_model_cli": "tests/export/test_serving_document.py runs it",
    "scripts/nodejs/build.sh": "needs packages of npm",
    "tensorboard": "starts a server",
}

# imported by programs of scripts/
NOT_INSTALLED = (
    "mlflow",
    *("pytriton", "pytriton.decorators", "pytriton.model_config", "pytriton.triton"),
)


def shown_commands():
    """Each document or program with each of its commands, once."""
    for document in DOCUMENTS:
        yield from ((document, command) for command in commands(text_of(document)))
    for program in PROGRAMS:
        docstring = ast.get_docstring(ast.parse(text_of(program)), clean=False) or ""
        shown = commands(docstring)
        yield from ((program, command) for command in shown if "python " in command)


SHOWN = sorted(set(shown_commands()))


class Parsed(Exception):
    """The options have been read."""


@pytest.fixture
def check_python(monkeypatch):
    """A function that runs a program until it has read its options."""
    parse_args = argparse.ArgumentParser.parse_args

    def parse_and_stop(self, arguments=None, namespace=None):
        parse_args(self, arguments, namespace)
        raise Parsed

    registered = keras.saving.get_custom_objects()
    modules, before = set(sys.modules), dict(registered)

    def check_python(arguments):
        path, *rest = arguments
        if path == "-c":
            compile(rest[0], "-c", "exec")
        elif path == "-m" and rest[0] == "pytest":
            check_pytest(rest[1:])
        elif path == "-m":
            module = ROOT / rest[0].replace(".", "/")
            files = (module.with_suffix(".py"), module / "__main__.py")
            assert any(file.exists() for file in files), rest[0]
        elif "ArgumentParser" in text_of(path):
            monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
            for name in NOT_INSTALLED:
                monkeypatch.setitem(sys.modules, name, MagicMock())
            monkeypatch.syspath_prepend(str((ROOT / path).parent))
            monkeypatch.setattr(sys, "argv", [path, *rest])
            with pytest.raises(Parsed):
                runpy.run_path(str(ROOT / path), run_name="__main__")

    yield check_python
    # another test, which imports the program, must find its own classes
    for name in [n for n, kind in registered.items() if kind.__module__ == "__main__"]:
        registered.pop(name)
        if name in before:
            registered[name] = before[name]
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if Path(file).is_relative_to(ROOT / "benchmarks"):
            del sys.modules[name]


def check_cli(arguments):
    """The command line parses the options; files need not exist."""
    redirected = [i for i, word in enumerate(arguments) if word in "<>"]
    make_parser().parse_args(arguments[: min(redirected, default=None)])


def check_make(arguments, check_python):
    answer = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert [word for word in arguments if "=" not in word]
    variables = [word.split("=")[0] for word in arguments if "=" in word]
    assert all(f"$({name})" in text_of("Makefile") for name in variables)
    for line in re.findall(r"^\S+/python (\S+\.py.*)$", answer.stdout, re.M):
        check_python(shlex.split(line))


def check_pytest(arguments):
    path, *selection = [word for word in arguments if word != "-s"]
    if selection:
        assert selection[0] == "-k"
        assert re.search(rf"def test_\w*{selection[1]}", text_of(path))
    assert (ROOT / path).exists()


def check_pip(command):
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    named = re.findall(r"(?:tf_transformer|\.)\[([\w,-]+)\]", command)
    extras = {extra for names in named for extra in names.split(",")}
    assert extras <= set(settings["options.extras_require"])


def check_curl(arguments):
    if "-d" in arguments:
        json.loads(arguments[arguments.index("-d") + 1])


def check_ci(arguments):
    assert all(f"  {mode}) " in text_of(".ci/run") for mode in arguments)


@pytest.mark.parametrize(("document", "command"), SHOWN)
def test_command_is_accepted(document, command, check_python):
    words = shlex.split(command, comments=True)
    if re.match(r"[A-Z_]+=\$\(", words[0]):
        return  # sets a variable of the shell
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    program, *arguments = words
    for word in words:
        if re.match(r"(tests|scripts|benchmarks|docs)/\S+\.\w+$", word):
            assert (ROOT / word).exists()
    checks = {
        "tf-transformer": lambda: check_cli(arguments),
        "python": lambda: check_python(arguments),
        "make": lambda: check_make(arguments, check_python),
        "pytest": lambda: check_pytest(arguments),
        "pip": lambda: check_pip(command),
        "curl": lambda: check_curl(arguments),
        ".ci/run": lambda: check_ci(arguments),
        **{program: lambda: None for program in NOT_CHECKED},
    }
    assert program in checks, f"{document} shows a command that no test knows"
    checks[program]()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_options_in_the_text_exist(document, capsys):
    for code in re.findall(r"`tf-transformer ([a-z][^`]*)`", text_of(document)):
        verb, *words = code.split()
        with pytest.raises(SystemExit) as stopped:
            make_parser().parse_args([verb, "--help"])
        assert stopped.value.code == 0, code
        found = capsys.readouterr().out
        options = [word for word in words if word.startswith("--")]
        assert all(option in found for option in options), code


def test_this_file_sees_commands():
    text = (
        "    $ make a \\\n        b\n    printed\n\n```console\nmake 'c\nd'\n{}\n```\n"
    )
    assert sorted(commands(text)) == ["make 'c d'", "make a b"]
    assert len(SHOWN) > 80
