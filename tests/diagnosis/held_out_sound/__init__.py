"""Sound models that were written before the doctor was tried on them."""

from tests.diagnosis.held_out_sound import (
    convolutions,
    recurrent,
    transformers,
    variants,
)

MODELS = [
    *transformers.MODELS,
    *variants.MODELS,
    *recurrent.MODELS,
    *convolutions.MODELS,
]
