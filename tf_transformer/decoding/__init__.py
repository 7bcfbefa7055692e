"""Searches over a step function, independent of model and tokenizer."""

from tf_transformer.decoding.beam import beam_search
from tf_transformer.decoding.greedy import greedy_search
from tf_transformer.decoding.random_numbers import sentence_keys
from tf_transformer.decoding.sampling import sampling_search

__all__ = ["beam_search", "greedy_search", "sampling_search", "sentence_keys"]
