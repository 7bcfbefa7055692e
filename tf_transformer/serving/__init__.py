"""Exported folders as an HTTP service with the REST contract of TensorFlow Serving."""
