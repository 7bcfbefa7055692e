"""An HTTP service for exported models, with the REST API of TensorFlow Serving."""
