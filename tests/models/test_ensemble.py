"""Ensembles: the mean of probabilities in NumPy, search, files and export.

Run: pytest tests/models/test_ensemble.py
"""

import keras
import numpy as np
import pytest

from tests.backend import in_graph
from tests.models.small_model import (
    INPUTS,
    MAX_LENGTH,
    SOURCE,
    TARGET_VOCAB,
    VOCAB,
    make_model,
    numbers,
)
from tf_transformer.inference.search import score_ids, search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.layers import SSRUDecoder
from tf_transformer.models import Ensemble, RecurrentSeq2Seq

END = 3


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def make_models():
    """Three kinds of decoder, whose search has different states."""
    recurrent = RecurrentSeq2Seq(
        VOCAB, d_model=10, max_length=MAX_LENGTH - 4, dropout_rate=0.0
    )
    random = np.random.default_rng(7)
    for weight in recurrent.weights:
        weight.assign(random.normal(scale=0.6, size=weight.shape))
    return [make_model(), make_model(num_layers=1, decoder=SSRUDecoder), recurrent]


@pytest.fixture(scope="module")
def models():
    return make_models()


def test_probabilities_are_the_mean(models):
    each = [softmax(numbers(model(INPUTS))) for model in models]
    assert np.ptp(each, axis=0).max() > 0.1  # they differ
    expected = np.mean(each, axis=0)
    found = numbers(Ensemble(models)(INPUTS))
    np.testing.assert_allclose(np.exp(found), expected, rtol=2e-5, atol=1e-7)


def greedy_by_hand(models, source, num_tokens):
    """The most probable token of the mean in each step, by teacher forcing."""
    token_ids = [2]
    for _ in range(num_tokens):
        inputs = {"source_ids": source[None], "target_ids": np.array([token_ids])}
        rows = [softmax(numbers(model(inputs))[0, -1]) for model in models]
        is_word = np.arange(VOCAB) > END  # the end is not allowed yet
        token_ids.append(int(np.argmax(np.mean(rows, axis=0) * is_word)))
    return token_ids[1:]


@pytest.mark.long
def test_greedy_search_takes_the_best_token_of_the_mean(models):
    settings = SearchSettings(beam_size=1, min_length=4, max_length=5)
    function = in_graph(lambda ids: search(Ensemble(models), ids, settings))
    result = function(SOURCE)
    for row, source in enumerate(SOURCE):
        expected = greedy_by_hand(models, source, 4)
        assert np.array(result["token_ids"])[row, 0, :4].tolist() == expected


@pytest.mark.long
def test_scores_of_beam_search_are_those_of_teacher_forcing(models):
    """Search reorders the states of all models."""
    ensemble = Ensemble(models)
    settings = SearchSettings(beam_size=4, num_hypotheses=2, max_length=6)
    result = in_graph(lambda ids: search(ensemble, ids, settings))(SOURCE)
    for number in range(2):
        token_ids = np.array(result["token_ids"])[:, number]
        expected = numbers(score_ids(ensemble, SOURCE, token_ids))
        found = np.array(result["log_probs"])[:, number]
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_one_model_predicts_what_it_predicts_alone(models):
    expected = np.log(softmax(numbers(models[0](INPUTS))))
    found = numbers(Ensemble(models[:1])(INPUTS))
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_layers_of_attention_maps_follow_each_other():
    one, two = make_model(), make_model(num_layers=1, normalize_first=True)
    maps = Ensemble([one, two]).attend(INPUTS)
    for kind, first in one.attend(INPUTS).items():
        second = two.attend(INPUTS)[kind]
        expected = np.concatenate([numbers(first), numbers(second)], axis=1)
        np.testing.assert_allclose(numbers(maps[kind]), expected, atol=1e-6)
        assert maps[kind].shape[1] == 3


def test_attention_maps_need_the_same_kinds(models):
    with pytest.raises(ValueError, match="same kinds .*Received: .*'encoder': 3"):
        Ensemble(models).attend(INPUTS)


def test_limits_are_those_of_the_shortest_model(models):
    assert Ensemble(models).max_length == MAX_LENGTH - 4
    size = sum(model.count_params() for model in models)
    assert Ensemble(models).count_params() == size


def test_a_file_contains_all_models(tmp_path, models):
    ensemble = Ensemble(models)
    ensemble.save(tmp_path / "ensemble.keras")
    loaded = keras.saving.load_model(tmp_path / "ensemble.keras")
    assert [type(model) for model in loaded.models] == [type(x) for x in models]
    np.testing.assert_array_equal(numbers(loaded(INPUTS)), numbers(ensemble(INPUTS)))
    assert loaded.models[0] is not models[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (None, r"list of Transformer or RecurrentSeq2Seq. Received: \[\]"),
        ("a", r"Received: \['a'\]"),
        ({"target_vocab_size": TARGET_VOCAB}, r"\(23, None\), \(23, 29\)"),
    ],
)
def test_wrong_models_are_refused(models, changes, message):
    others = [make_model(**changes)] if isinstance(changes, dict) else [changes]
    wrong = [] if changes is None else [models[0], *others]
    with pytest.raises(ValueError, match=message):
        Ensemble(wrong)
