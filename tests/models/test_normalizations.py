"""Every normalization goes through all doors of the model."""

import keras
import numpy as np
import pytest

from tests.models.small_model import INPUTS, SOURCE, make_model, numbers
from tf_transformer.inference.search import SearchSettings, score_ids, search
from tf_transformer.layers.normalization import NORMALIZATIONS
from tf_transformer.models import Transformer


@pytest.mark.parametrize(
    "normalize_first", [pytest.param(False, marks=pytest.mark.long), True]
)
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_steps_of_a_search_equal_teacher_forcing(kind, normalize_first):
    model = make_model(normalize_first, normalization=kind)
    found = search(model, SOURCE, SearchSettings(beam_size=3, max_length=3))
    rescored = score_ids(model, SOURCE, found["token_ids"][:, 0])
    np.testing.assert_allclose(
        numbers(found["log_probs"])[:, 0], numbers(rescored), rtol=1e-4
    )


@pytest.mark.long
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_the_choice_is_kept_with_the_model(kind, tmp_path):
    model = make_model(normalization=kind)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, Transformer)
    assert loaded.arguments()["normalization"] == kind
    np.testing.assert_array_equal(numbers(loaded(INPUTS)), numbers(model(INPUTS)))
