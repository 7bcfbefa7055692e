"""Searches return defined values for any logits."""

import math

import numpy as np
import pytest
from keras import ops

from tests.backend import in_graph
from tests.decoding.toy_models import END, USABLE, PrefixModel, found
from tests.fast import FAST
from tests.further import further
from tf_transformer.decoding import beam_search, greedy_search, sampling_search

LIMITS = np.array([6, 4, 5])
NOT_NUMBERS = (math.nan, math.inf, -math.inf)


def greedy(step, state, **_):
    return greedy_search(step, state, LIMITS, int(max(LIMITS)))


def beams(step, state):
    return beam_search(
        step, state, LIMITS, int(max(LIMITS)), beam_size=2, num_hypotheses=2
    )


def samples(step, state, **filters):
    keys = ops.array([3, 1, 4], "int32")
    return sampling_search(
        step, state, LIMITS, int(max(LIMITS)), keys, num_samples=2, **filters
    )


SEARCHES = {
    "greedy": (greedy, 1, {}),
    "beam": (beams, 2, {}),
    "sampling": (samples, 2, {}),
    "hot": (samples, 2, {"temperature": 1e9}),
    "cold": (samples, 2, {"temperature": 1e-300, "top_k": 99}),
    "nucleus": (samples, 2, {"top_p": 1e-300}),
}


def spoilt_model(share, seed):
    """A toy model with a share of its logits replaced by NaN, inf and -inf."""
    model = PrefixModel(len(LIMITS), seed)
    random = np.random.default_rng(seed)
    spoilt = random.random(model.logits.shape) < share
    model.logits[spoilt] = random.choice(NOT_NUMBERS, spoilt.sum())
    return model


def check(result):
    ids = ops.convert_to_numpy(result["token_ids"])
    log_probs = ops.convert_to_numpy(result["log_probs"])
    assert not np.isnan(log_probs).any()
    assert (log_probs <= 1e-6).all()
    exists = np.isfinite(log_probs)
    assert np.all(log_probs[exists] > -1e8)
    assert (ids[~exists] == 0).all()
    for sentence, limit in enumerate(LIMITS):
        for row in ids[sentence][exists[sentence]]:
            written = row[row != 0].tolist()
            assert written[-1] == END
            assert written.count(END) == 1
            assert len(written) <= limit
            assert set(written) <= set(USABLE)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 1.0])
def test_every_search_ends_with_defined_values(name, share):
    search, num_rows, filters = SEARCHES[name]
    for seed in range(1 if FAST else 3):
        model = spoilt_model(share, seed)
        check(search(model.step, model.start(num_rows), **filters))


@pytest.mark.long
@pytest.mark.parametrize("value", [math.nan, *further(math.inf, -math.inf)])
@pytest.mark.parametrize("name", SEARCHES)
def test_logits_of_one_value_in_a_compiled_search(name, value):
    search, num_rows, filters = SEARCHES[name]
    model = PrefixModel(len(LIMITS), seed=5)
    model.logits[:] = value
    state = model.start(num_rows)
    result = in_graph(lambda logits: search(constant_step(logits), state, **filters))(
        np.full((len(LIMITS) * num_rows, 6), value, "float32")
    )
    check(result)
    log_probs = ops.convert_to_numpy(result["log_probs"])
    assert not np.isfinite(log_probs).any()


def constant_step(logits):
    return lambda token_ids, state: (logits, state)


def plain_greedy(model, sentence, limit):
    """Greedy search in Python: ids and log probability, or None."""
    written, total = [], 0.0
    while END not in written:
        code = 0
        for token in (2, *written):
            code = (code * 7 + token + 1) % model.logits.shape[1]
        logits = model.logits[sentence, code].astype("float64")
        weights = probabilities(logits)
        allowed = (END,) if len(written) + 1 == limit else USABLE
        token = max(allowed, key=lambda token: weights[token])
        if weights[token] == 0:
            return None
        written.append(token)
        total += math.log(weights[token])
    return written, total


def probabilities(logits):
    if np.isnan(logits).any() or math.inf in logits:
        return np.zeros_like(logits)
    weights = np.exp(logits)
    return weights / weights.sum() if weights.any() else weights


@pytest.mark.moderate
def test_greedy_search_follows_the_defined_probabilities():
    num_impossible = 0
    for seed in range(12):
        model = spoilt_model(0.08, seed)
        result = found(greedy(model.step, model.start(1)))
        for sentence, limit in enumerate(LIMITS):
            expected = plain_greedy(model, sentence, limit)
            [(log_prob, ids)] = result[sentence]
            if expected is None:
                num_impossible += 1
                assert log_prob == -math.inf
                continue
            assert list(ids) == expected[0]
            assert log_prob == pytest.approx(expected[1], abs=1e-4)
    assert 0 < num_impossible < 30
