"""The doctor finds each planted fault and names its layer."""

import pytest

from tests.diagnosis.broken_models import MODELS
from tf_transformer.diagnosis.doctor import doctor


@pytest.mark.long
@pytest.mark.parametrize(
    ("make", "check", "layer"), MODELS, ids=[make.__name__ for make, _, _ in MODELS]
)
def test_fault_is_found_and_its_layer_named(make, check, layer):
    model, inputs, arguments = make()
    assert_found(doctor(model, inputs, **arguments), check, layer)


def assert_found(report, check, layer):
    """Whether a check failed, in a layer with this part in its name (or in none)."""
    assert report.status(check) == "failed", str(report)
    found = [f.layer for f in report.findings if f.check == check]
    if layer is None:
        assert found == [None]
    elif layer:
        assert any(layer in (name or "") for name in found), str(report)
