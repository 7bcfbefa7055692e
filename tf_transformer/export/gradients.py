"""Removes custom gradients from an exported model, which is not trained."""

from pathlib import Path

from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

MARK = "_gradient_op_type"


def remove_custom_gradients(folder: Path) -> None:
    """Removes the names of custom gradients from the operations of a SavedModel.

    A SavedModel contains only the names of custom gradients. With the names, TensorFlow
    warns about each of them when it loads the model; without them, it differentiates
    the operations.

    Args:
        folder: The folder of the SavedModel.
    """
    path = folder / "saved_model.pb"
    saved_model = SavedModel.FromString(path.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        functions = graph.library.function
        for nodes in (graph.node, *(function.node_def for function in functions)):
            for node in nodes:
                if MARK in node.attr:
                    del node.attr[MARK]
    path.write_bytes(saved_model.SerializeToString(deterministic=True))
