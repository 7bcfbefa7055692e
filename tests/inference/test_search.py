"""Search settings: contradictions are refused, and limits are computed."""

import numpy as np
import pytest
from keras import ops

from tf_transformer.inference.settings import SearchSettings, length_limit


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"beam_size": 0}, "beam_size=0"),
        ({"beam_size": 2.0}, "beam_size must be an integer. Received: 2.0"),
        ({"no_repeat_ngram_size": 1.5}, "no_repeat_ngram_size must be an integer"),
        ({"max_length": "9"}, "max_length must be an integer. Received: '9'"),
        ({"beam_size": 2, "num_hypotheses": 3}, "num_hypotheses=3, beam_size=2"),
        ({"num_hypotheses": 0}, "num_hypotheses=0"),
        ({"alpha": -0.1}, "alpha must lie between 0 and 10.*alpha=-0.1"),
        ({"alpha": 30.0}, "alpha must lie between 0 and 10.*alpha=30.0"),
        ({"alpha": float("nan")}, "alpha must lie between.*alpha=nan"),
        ({"max_length": 0}, "max_length=0"),
        ({"max_length": 4, "min_length": 5}, "max_length=4, min_length=5"),
        ({"temperature": 0.7}, "sample=True. Received: .*temperature=0.7"),
        ({"top_k": 3, "seed": 4}, "sample=True.*top_k=3, seed=4"),
        ({"top_p": 0.9}, "sample=True.*top_p=0.9"),
        ({"sample": True, "beam_size": 8}, "sample=False.*beam_size=8"),
        ({"sample": True, "alpha": 0.0}, "sample=False.*alpha=0.0"),
        ({"sample": True, "num_hypotheses": 0}, "num_hypotheses=0"),
        ({"sample": True, "temperature": 0.0}, "temperature must be above 0.*0.0"),
        ({"sample": True, "temperature": float("inf")}, "Received: inf"),
        ({"sample": True, "temperature": float("nan")}, "Received: nan"),
        ({"sample": True, "top_k": 0}, "top_k must be at least 1.*0"),
        ({"sample": True, "top_p": 0.0}, r"top_p must lie in \(0, 1\].*0.0"),
        ({"sample": True, "top_p": 1.1}, "top_p must lie.*1.1"),
        ({"sample": True, "seed": 2**31}, "seed must fit 32 bits.*2147483648"),
    ],
)
def test_refuses_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SearchSettings(**settings)


def test_rows_are_hypotheses_or_samples():
    assert SearchSettings(beam_size=5, num_hypotheses=2).num_rows == 5
    assert SearchSettings(sample=True, num_hypotheses=7).num_rows == 7


def test_the_search_is_the_papers_by_default():
    settings = SearchSettings()
    assert (settings.beam_size, settings.alpha) == (4, 0.6)


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({}, [12, 24, 47]),
        ({"max_length": 20}, [20, 20, 20]),
        ({"max_length": 60}, [47, 47, 47]),
        ({"min_length": 15}, [15, 24, 47]),
        ({"min_length": 99}, [47, 47, 47]),
    ],
)
def test_limits_of_numbers_are_limits_of_tensors(settings, expected):
    settings, lengths = SearchSettings(**settings), [1, 7, 40]
    assert [length_limit(length, 47, settings) for length in lengths] == expected
    found = length_limit(ops.array(np.array(lengths)), 47, settings)
    assert ops.convert_to_numpy(found).tolist() == expected
