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
    report = doctor(model, inputs, **arguments)
    assert report.status(check) == "failed", str(report)
    found = [f.layer for f in report.findings if f.check == check]
    if layer is None:
        assert found == [None]
    else:
        assert layer in found[0], str(report)
