"""Corpora by name: the built-in corpus and translation sets of TensorFlow Datasets."""
