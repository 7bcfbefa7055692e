"""Examines any Keras sequence model for faults of masks, gradients and loss.

`tf_transformer.doctor` is the entry; one file for each kind of check.
"""
