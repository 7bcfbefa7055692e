"""Beam search, greedy search and sampling over a step function.

They do not depend on a model or a tokenizer; `inference/search.py` calls them with a
model.
"""

from tf_transformer.decoding.beam import beam_search
from tf_transformer.decoding.constraints import length_penalty
from tf_transformer.decoding.greedy import greedy_search
from tf_transformer.decoding.random_numbers import sentence_keys
from tf_transformer.decoding.sampling import sample, sampling_search

__all__ = [
    "beam_search",
    "greedy_search",
    "length_penalty",
    "sample",
    "sampling_search",
    "sentence_keys",
]
