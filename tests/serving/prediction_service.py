"""A small gRPC server with the part of TensorFlow Serving's interface that we use."""

import concurrent.futures
import contextlib

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`Predict` of one SavedModel."""

    def __init__(self, name, folder):
        self.name = name
        self.loaded = tf.saved_model.load(str(folder))

    def Predict(self, request, context):
        spec = request.model_spec
        if spec.name != self.name:
            missing = f"Servable not found for request: Latest({spec.name})"
            context.abort(grpc.StatusCode.NOT_FOUND, missing)
        signature = self.loaded.signatures[spec.signature_name or "serving_default"]
        inputs = {
            name: tf.constant(tf.make_ndarray(proto), proto.dtype)
            for name, proto in request.inputs.items()
        }
        try:
            outputs = signature(**inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse(model_spec=spec)
        for name, tensor in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(tensor))
        return response


@contextlib.contextmanager
def listening_for_grpc(name, folder):
    """The port of a server for one model."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(name, folder), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()
