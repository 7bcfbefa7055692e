"""Broken models that were written before the doctor was tried on them.

Each is a way in which people build models, with one mistake that people make. The
decorator says which check must find it and a part of the name of the layer at fault:
an empty part is any layer, `None` that no layer is at fault.
"""

from tests.diagnosis.held_out_broken import causality, mixing, padding, training

MODELS = [
    *padding.MODELS,
    *causality.MODELS,
    *mixing.MODELS,
    *training.MODELS,
]
