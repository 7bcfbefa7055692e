"""The saved tokenizer runs in a process with TensorFlow only.

Run: pytest tests/export/test_graph_tokenizer_saved.py
"""

import json
import subprocess
import sys

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer

PAIRS = [
    ("The animal crossed the street.", "그 동물은 길을 건넜다."),
    ("I am a student.", "나는 학생이다."),
]
TEXTS = ["I am the animal", "", "나는 동물", "Ｆｕｌｌ 🎉\u0301 width", "*" * 40]
FRESH_PROCESS = """
import json, sys
import tensorflow as tf
twin = tf.saved_model.load(sys.argv[1])
ids = twin.encode(tf.constant(json.loads(sys.argv[2])))
texts = twin.signatures["decode"](ids=ids)["output_0"]
print(json.dumps({
    "ids": ids.numpy().tolist(),
    "texts": [text.decode() for text in texts.numpy()],
    "modules": sorted(sys.modules),
}))
"""


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(PAIRS, vocab_size=340)


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("twin")
    twin = GraphTokenizer(tokenizer.source_model)
    signatures = {"encode": twin.encode, "decode": twin.decode}
    tf.saved_model.save(twin, str(path), signatures=signatures)
    return path


@pytest.mark.slow
def test_a_fresh_process_needs_tensorflow_alone(tokenizer, folder):
    finished = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, str(folder), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    rows = [[token_id for token_id in row if token_id] for row in found["ids"]]
    assert rows == tokenizer.encode_source(TEXTS)
    assert found["texts"] == tokenizer.decode_source(rows)
    strangers = {"tf_transformer", "sentencepiece", "tensorflow_text"}
    assert not strangers & set(found["modules"])


@pytest.mark.moderate
def test_every_op_is_one_of_tensorflows_own(folder):
    saved = saved_model_pb2.SavedModel.FromString(
        (folder / "saved_model.pb").read_bytes()
    )
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node]
    for function in graph.library.function:
        nodes.extend(function.node_def)
    functions = {function.signature.name for function in graph.library.function}
    ops = {node.op for node in nodes} - functions
    assert "LookupTableFindV2" in ops
    assert all(op_def_registry.get(op) for op in ops)
    assert not [op for op in ops if ">" in op or "Py" in op or op.startswith("Xla")]


def test_tables_are_stored_once(folder):
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 2_000_000


@pytest.mark.moderate
def test_strings_stay_on_the_cpu(tokenizer):
    twin = GraphTokenizer(tokenizer.source_model)
    graph = twin.encode.get_concrete_function().graph
    elsewhere = {
        operation.type
        for operation in graph.get_operations()
        if "CPU:0" not in operation.device
    }
    # what comes in and goes out has the caller's place
    assert elsewhere <= {"Placeholder", "Identity", "NoOp"}
