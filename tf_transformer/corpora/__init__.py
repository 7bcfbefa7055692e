"""Corpora by name: the built-in one and those of TensorFlow Datasets."""
