"""The content of an exported folder: operations, functions and weights.

Stock runtimes hold TensorFlow's own operations, and some have no XLA. Neither an
operation named Xla... nor a function that must be compiled can be reached from any
signature but `translate_compiled`. From that one a function that must be compiled can
be reached, the search, and nothing else that is special: its operations are core ones.
"""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from tests.export.toy_export import BEAM_SIZE

MUST_COMPILE = "_XlaMustCompile"


@pytest.fixture(scope="module")
def meta_graph(exported):
    content = (exported / "saved_model.pb").read_bytes()
    [meta_graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return meta_graph


def reachable_nodes(meta_graph, signature):
    """Nodes that a signature may run, with their functions."""
    graph = {node.name: node for node in meta_graph.graph_def.node}
    library = {
        function.signature.name: function
        for function in meta_graph.graph_def.library.function
    }
    outputs = meta_graph.signature_def[signature].outputs.values()
    names = [output.name.split(":")[0] for output in outputs]
    nodes, functions = [], {}
    while names:
        node = graph.pop(names.pop(), None)
        if node is not None:
            nodes.append(node)
            names += [name.lstrip("^").split(":")[0] for name in node.input]
    for node in nodes:  # grows while it is read
        for name in called_functions(node):
            if name not in functions:
                functions[name] = library[name]
                nodes.extend(library[name].node_def)
    return nodes, functions.values()


def called_functions(node):
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def is_compiled(node_or_function):
    return node_or_function.attr[MUST_COMPILE].b


def names_of_operations(nodes):
    return {node.op for node in nodes}


def test_signatures_are_those_that_are_documented(meta_graph):
    names = set(meta_graph.signature_def) - {"__saved_model_init_op"}
    documented = "serving_default translate translate_compiled nbest score attend info"
    assert names == {*documented.split(), "score_tokens"}


def test_no_operation_names_a_custom_gradient(meta_graph):
    """TensorFlow would warn of each when it loads the model."""
    graph = meta_graph.graph_def
    assert any(
        node.op == "While" for f in graph.library.function for node in f.node_def
    )
    marked = [
        node.name
        for nodes in (graph.node, *(f.node_def for f in graph.library.function))
        for node in nodes
        if "_gradient_op_type" in node.attr
    ]
    assert len(graph.library.function) > 9
    assert marked == []


@pytest.mark.parametrize(
    ("signature", "needed"),
    [
        ("serving_default", {"While", "LookupTableFindV2", "ReduceJoin"}),
        ("translate", {"While", "LookupTableFindV2", "ReduceJoin"}),
        ("translate", {"BatchMatMulV3", "PlaceholderWithDefault"}),
        ("nbest", {"While", "LookupTableFindV2", "ReduceJoin"}),
        ("score", {"Softmax", "LookupTableFindV2"}),
        ("attend", {"While", "LookupTableFindV2", "Softmax", "GatherV2"}),
        ("info", {"Const"}),
    ],
)
def test_nothing_of_xla_is_reached(meta_graph, signature, needed):
    nodes, functions = reachable_nodes(meta_graph, signature)
    operations = names_of_operations(nodes)
    assert needed <= operations  # the walk did go into the functions
    assert not {name for name in operations if name.startswith("Xla")}
    assert not [node.name for node in nodes if is_compiled(node)]
    assert not [f.signature.name for f in functions if is_compiled(f)]


def test_compiled_signature_reaches_one_compiled_search(meta_graph):
    nodes, functions = reachable_nodes(meta_graph, "translate_compiled")
    compiled = [function for function in functions if is_compiled(function)]
    assert len(compiled) == 1
    operations = names_of_operations(nodes)
    assert not {name for name in operations if name.startswith("Xla")}
    # strings stay outside the compiled function, the loop over tokens is inside
    inside = names_of_operations(compiled[0].node_def)
    assert "While" in inside
    assert not inside & {"BatchMatMulV3", "PlaceholderWithDefault"}
    assert not {name for name in inside if "String" in name or "Lookup" in name}


def test_every_operation_is_in_tensorflows_own_registry(meta_graph):
    nodes = list(meta_graph.graph_def.node)
    for function in meta_graph.graph_def.library.function:
        nodes.extend(function.node_def)
    operations = names_of_operations(nodes)
    assert len(operations) > 50
    foreign = {name for name in operations if op_def_registry.get(name) is None}
    foreign |= {name for name in operations if name.startswith("Xla")}
    assert foreign == set()


def test_weights_are_stored_once(translator, exported):
    reader = tf.train.load_checkpoint(str(exported / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    stored = sum(
        int(np.prod(shape))
        for name, shape in shapes.items()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    )
    assert stored == translator.model.count_params()


def test_loaded_weights_are_in_memory_once(translator, exported):
    loaded = tf.saved_model.load(str(exported))
    variables = {
        id(variable): variable
        for function in loaded.signatures.values()
        for variable in function.variables
    }
    numbers = sum(int(np.prod(v.shape)) for v in variables.values())
    assert numbers == translator.model.count_params()


def test_signatures_have_names_types_and_shapes_as_documented(meta_graph):
    shapes = {
        "serving_default": {"text": [-1], "translation": [-1], "score": [-1]},
        "translate": {"text": [-1], "translation": [-1], "score": [-1]},
        "translate_compiled": {"text": [-1], "translation": [-1], "score": [-1]},
        "nbest": {
            "text": [-1],
            "translation": [-1, BEAM_SIZE],
            "score": [-1, BEAM_SIZE],
        },
        "score": {"text": [-1], "translation": [-1], "score": [-1]},
        "score_tokens": {
            **{"text": [-1], "translation": [-1]},
            **{"piece": [-1, -1], "score": [-1, -1]},
        },
        "attend": {
            "text": [-1],
            "source": [-1, -1],
            "target": [-1, -1],
            **dict.fromkeys(("encoder", "decoder", "cross"), [-1, 2, 3, -1, -1]),
        },
        "info": {"info": []},
    }
    numbers = {"score", "encoder", "decoder", "cross"}
    for name, expected in shapes.items():
        signature = meta_graph.signature_def[name]
        tensors = {**signature.inputs, **signature.outputs}
        found = {k: [d.size for d in v.tensor_shape.dim] for k, v in tensors.items()}
        assert found == expected, name
        for key, tensor in tensors.items():
            expected = tf.float32 if key in numbers else tf.string
            assert tensor.dtype == expected.as_datatype_enum, (name, key)
