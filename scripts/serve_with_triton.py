"""Serves an exported folder with NVIDIA's Triton Inference Server and pytriton.

    pip install nvidia-pytriton "tensorflow==2.21.*"
    python scripts/serve_with_triton.py saved_models/mine/1 --name mine

    curl http://localhost:8000/v2/models/mine/infer -d '{"inputs": [{"name": "text",
        "datatype": "BYTES", "shape": [2, 1], "data": ["I am a student.", ""]}]}'

Triton listens for HTTP on port 8000 and for gRPC on port 8001, and combines concurrent
requests into batches of up to 32 texts. pytriton's Triton has no TensorFlow backend, so
this process computes. pytriton needs its own environment with numpy 1, and does not
work with Python 3.11.7 (docs/serving.md).
"""

import argparse

import numpy as np
import tensorflow as tf
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="an exported folder, NAME/VERSION")
    parser.add_argument("--name", default="mine", help="name of the model")
    parser.add_argument("--http-port", type=int, default=8000)
    parser.add_argument("--grpc-port", type=int, default=8001)
    options = parser.parse_args()
    if not tf.saved_model.contains_saved_model(options.folder):
        parser.error(f"There is no SavedModel in {options.folder}.")

    translate = tf.saved_model.load(options.folder).signatures["serving_default"]

    @batch
    def answer(text):
        outputs = translate(text=tf.constant(text[:, 0]))
        return {name: tensor.numpy()[:, None] for name, tensor in outputs.items()}

    ports = {"http_port": options.http_port, "grpc_port": options.grpc_port}
    with Triton(config=TritonConfig(**ports)) as triton:
        triton.bind(
            model_name=options.name,
            infer_func=answer,
            inputs=[Tensor(name="text", dtype=bytes, shape=(1,))],
            outputs=[
                Tensor(name="translation", dtype=bytes, shape=(1,)),
                Tensor(name="score", dtype=np.float32, shape=(1,)),
            ],
            config=ModelConfig(max_batch_size=32),
        )
        triton.serve()


if __name__ == "__main__":
    main()
