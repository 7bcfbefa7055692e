"""Models with one fault each: what the doctor must find, and in which layer.

Each function returns a model, its inputs and arguments of the doctor. The decorator
says which check must find the fault and a part of the name of the layer at fault, or
`None` where the fault is in no layer.
"""

from tests.diagnosis.broken_models import masks, mixing, training

MODELS = [
    *masks.MODELS,
    *mixing.MODELS,
    *training.MODELS,
]
