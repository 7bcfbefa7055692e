"""The doctor on models that were written before it was tried on them."""

import pytest

from tests.diagnosis import held_out_broken, held_out_sound
from tests.diagnosis.test_broken_models import assert_found
from tf_transformer.diagnosis.doctor import doctor

# Most of those on which the doctor failed at first. The others are for the full run.
FIRST_FAILED = {
    held_out_broken.padding.bert_that_does_not_use_its_mask,
    held_out_broken.padding.recurrent_encoder_without_mask,
    held_out_broken.causality.squeeze_and_excite_in_a_causal_network,
    held_out_broken.causality.mixer_as_a_language_model,
    held_out_broken.mixing.root_of_the_whole_width_in_einsums,
    held_out_broken.mixing.recurrence_over_rows,
    held_out_broken.training.relu_on_logits,
    held_out_broken.training.sigmoid_for_a_binary_loss_of_logits,
    held_out_sound.transformers.gpt_with_lora,
    held_out_sound.transformers.bert_with_a_dictionary_of_inputs_and_outputs,
    held_out_sound.variants.re_zero,
    held_out_sound.variants.head_that_starts_at_zero,
    held_out_sound.recurrent.stateful_gru,
    held_out_sound.recurrent.stateful_lstm_in_a_sequential_model,
}


def cases(models):
    """Test cases of models, or of tuples that begin with a model's function."""
    for model in models:
        make = model[0] if isinstance(model, tuple) else model
        marks = () if make in FIRST_FAILED else pytest.mark.full
        values = model if isinstance(model, tuple) else (model,)
        yield pytest.param(*values, id=make.__name__, marks=marks)


@pytest.mark.long
@pytest.mark.parametrize(
    ("make", "check", "layer"), list(cases(held_out_broken.MODELS))
)
def test_fault_is_found_and_its_layer_named(make, check, layer):
    model, inputs, arguments = make()
    assert_found(doctor(model, inputs, **arguments), check, layer)


@pytest.mark.long
@pytest.mark.parametrize("make", list(cases(held_out_sound.MODELS)))
def test_nothing_is_found_in_a_sound_model(make):
    model, inputs, arguments = make()
    report = doctor(model, inputs, **arguments)
    assert report.findings == []
    for check in ("batch", "finite", "inference", "influence"):
        assert report.status(check) == "passed", str(report)
    if arguments.get("causal"):
        assert report.status("causality") == "passed", str(report)
    if arguments.get("pad_id", 0) is not None:
        assert report.status("padding") == "passed", str(report)
        assert report.status("masked row") == "passed", str(report)
