"""A C program of a hundred lines translates with an exported folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

SOURCE = Path(__file__).parent / "c_client.c"
TENSORFLOW = Path(tf.__file__).parent
LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
# strings of up to 22 bytes lie inside a TF_TString, longer ones outside of it
TEXTS = ["a cat ran", "", "나는 학생이다", "I am a student on the old mat, 그 개는 ★"]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc")
    for name in (*LIBRARIES, "include/tensorflow/c/c_api.h"):
        if not (TENSORFLOW / name).exists():
            pytest.skip(f"this TensorFlow comes without {name}")
    program = tmp_path_factory.mktemp("c") / "c_client"
    command = ["gcc", "-Wall", "-Wextra", "-Werror", SOURCE, "-o", program]
    command += [f"-I{TENSORFLOW}/include", f"-L{TENSORFLOW}"]
    command += [f"-l:{name}" for name in LIBRARIES]
    command += [f"-Wl,-rpath,{TENSORFLOW}"]
    subprocess.run(command, check=True)
    return program


def tensor_names(exported, signature):
    """Names of the text, the translation and the score; they differ by export."""
    content = (exported / "saved_model.pb").read_bytes()
    [meta_graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    found = meta_graph.signature_def[signature]
    tensors = {**found.inputs, **found.outputs}
    return [tensors[name].name for name in ("text", "translation", "score")]


def run(program, *arguments):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [program, *arguments], capture_output=True, check=False, env=environment
    )


@pytest.mark.parametrize(
    "signature",
    ["serving_default", pytest.param("translate_compiled", marks=pytest.mark.slow)],
)
def test_c_program_gives_the_same_strings(client, exported, translator, signature):
    result = run(client, exported, *tensor_names(exported, signature), *TEXTS)
    assert result.returncode == 0, result.stderr.decode()[-2000:]
    lines = result.stdout.decode().split("\n")[:-1]
    expected = [best for best, *_ in translator.nbest(TEXTS)]
    assert [line.split("\t", 1)[1] for line in lines] == [b.text for b in expected]
    scores = [float(line.split("\t")[0]) for line in lines]
    assert scores == pytest.approx([best.score for best in expected], abs=1e-4)
    assert len({best.text for best in expected}) > 2
    assert max(len(best.text.encode()) for best in expected) > 22


@pytest.mark.slow
def test_c_program_gets_the_error_of_a_text_that_is_too_long(client, exported):
    names = tensor_names(exported, "serving_default")
    result = run(client, exported, *names, "cat " * 100)
    assert result.returncode == 1
    assert b"longer than the model can read" in result.stderr


@pytest.mark.slow
def test_c_program_gets_the_error_of_an_unknown_tensor(client, exported):
    result = run(client, exported, "no_such_tensor:0", "a:0", "b:0", "cat")
    assert result.returncode == 1
    assert b"no tensor no_such_tensor:0" in result.stderr
