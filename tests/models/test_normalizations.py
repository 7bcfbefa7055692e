"""A normalization passed as a class is used in the whole model."""

import keras
import numpy as np
import pytest

from tests.models.small_model import INPUTS, SOURCE, make_model, numbers
from tf_transformer.inference.search import score_ids, search
from tf_transformer.inference.settings import SearchSettings


@pytest.mark.moderate
@pytest.mark.parametrize(
    "normalize_first", [pytest.param(False, marks=pytest.mark.long), True]
)
def test_steps_of_a_search_equal_teacher_forcing(normalize_first):
    model = make_model(normalize_first, norm=keras.layers.RMSNormalization)
    found = search(model, SOURCE, SearchSettings(beam_size=3, max_length=3))
    rescored = score_ids(model, SOURCE, found["token_ids"][:, 0])
    np.testing.assert_allclose(
        numbers(found["log_probs"])[:, 0], numbers(rescored), rtol=1e-4
    )


@pytest.mark.long
def test_a_saved_model_keeps_its_normalization(tmp_path):
    model = make_model(norm=keras.layers.RMSNormalization)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    norm = loaded.encoder.blocks[1].feed_forward_norm
    assert type(norm) is keras.layers.RMSNormalization
    assert loaded.arguments()["norm"] == "keras.layers.RMSNormalization"
    np.testing.assert_array_equal(numbers(loaded(INPUTS)), numbers(model(INPUTS)))
