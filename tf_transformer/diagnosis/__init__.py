"""Examines any Keras sequence model for faults of masks, gradients and loss.

The entry point is `tf_transformer.doctor`. There is one file for each kind of check.
"""
