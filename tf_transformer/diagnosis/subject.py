"""The examined model, its inputs and its first two runs."""

import dataclasses
import functools
import inspect

import keras
import numpy as np

from tf_transformer.diagnosis.comparison import (
    first_difference,
    protected_difference,
)
from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.inputs import Inputs
from tf_transformer.diagnosis.trace import (
    keeps_states,
    layer_names,
    recurrent_states,
    run_model,
    state,
    unchanged_state,
)
from tf_transformer.utils.keras_compat import all_layers

# Largest relative difference that counts as rounding: between runs of the same shapes,
# and of different shapes, whose sums are computed in another order.
TOLERANCES = {"float32": (1e-5, 1e-4), "half": (1e-2, 5e-2)}
MAX_PROBES = 16
HIDDEN = "layers run inside a compiled function, where their values are not known"


class Subject:
    """A model under examination.

    Args:
        model: A built or callable Keras model.
        inputs: `Inputs`.
        causal: Name of the causal sequence, `True` for the sequence of the outputs, or
            `None`.

    `reference` and `repeated` are two runs of these inputs. `state_before` and
    `state_after` are the model's state (see `state`) before and after both runs.

    Raises:
        ValueError: If there is no such sequence.
    """

    def __init__(self, model, inputs: Inputs, causal=None):
        self.model = model
        self.inputs = inputs
        build(model, inputs)
        self.state_before = state(model)
        with unchanged_state(model):
            self.reference = run_model(model, inputs, restore=False)
            _restore_recurrent_states(model, self.state_before)
            self.repeated = run_model(model, inputs, restore=False)
            _restore_recurrent_states(model, self.state_before)
            self.state_after = state(model)
        self._names = layer_names(model)
        self.causal = self._causal_sequence(causal)

    def _causal_sequence(self, causal):
        if causal is None or causal is False:
            return None
        name = self.output_sequence if causal is True else str(causal)
        names = self._output_sequences
        if name not in names:
            expected = f"one of {names}" if names else "None: outputs have no positions"
            raise ValueError(
                "causal must name the input whose future is hidden, with an output for "
                f"each of its positions. Expected {expected}. Received: "
                f"causal={causal!r}, and outputs {self.reference.output.shape}"
            )
        return name

    @property
    def output_sequence(self) -> str | None:
        """The sequence with one output for each position, or `None`."""
        return self._output_sequences[-1] if self._output_sequences else None

    @functools.cached_property
    def _output_sequences(self) -> list[str]:
        """The sequences, of one length, with one output for each position."""
        output = self.reference.output
        names = [
            name
            for name in self.inputs.sequences()
            if output.ndim > 1 and self.inputs.length(name) == output.shape[1]
        ]
        return [] if names and self._is_pooled(names[0]) else names

    def _is_pooled(self, name) -> bool:
        """Whether outputs `(B, D)` have the length of a sequence by chance."""
        if self.reference.output.ndim > 2:
            return False
        aligned = dataclasses.replace(self.inputs, aligned=True)
        try:
            shorter = self.run(aligned.cut(name, self.inputs.length(name) - 1))
        except Exception:  # the model takes one length only; errors differ
            return False
        return shorter.output.shape == self.reference.output.shape

    @functools.cached_property
    def _compute_dtypes(self) -> set[str]:
        return {layer.compute_dtype for layer in all_layers(self.model)}

    @property
    def is_float32(self) -> bool:
        """Whether the whole model computes in float32."""
        return self._compute_dtypes == {"float32"}

    @property
    def tolerances(self) -> tuple[float, float]:
        """Tolerances for runs of the same shapes, and of different shapes."""
        is_half = self._compute_dtypes & {"float16", "bfloat16"}
        return TOLERANCES["half" if is_half else "float32"]

    @functools.cached_property
    def is_random(self) -> bool:
        """Whether two runs of the same inputs differ."""
        first, second = self.reference.output, self.repeated.output
        return not np.array_equal(first, second, equal_nan=True)

    def run(self, inputs=None, training=False, replace=None):
        """Runs the model, by default on the example inputs."""
        return run_model(self.model, inputs or self.inputs, training, replace)

    def name(self, layer) -> str:
        """Returns the path and the class of a layer."""
        path = self._names.get(id(layer), getattr(layer, "name", "?"))
        return f"{path} ({type(layer).__name__})"

    def probes(self, name: str) -> list[int]:
        """Returns the positions to change: real ones, at most `MAX_PROBES`."""
        positions = np.flatnonzero(self.inputs.real(name)[0])
        count = min(len(positions), MAX_PROBES)
        places = np.linspace(0, len(positions) - 1, count).round().astype(int)
        return positions[places].tolist()

    def must_be_deterministic(self) -> None:
        """Raises `NotChecked` for a random model: nothing can be compared."""
        if self.is_random:
            raise NotChecked("the output is random, see the check inference")

    def must_see_layers(self) -> None:
        """Raises `NotChecked` if a layer was called where tensors have no values.

        Cells are an exception: the recurrent layer around them has values.
        """
        layers = all_layers(self.model)
        recurrent = [x for x in layers if isinstance(x, keras.layers.RNN)]
        cells = {id(cell) for layer in recurrent for cell in all_layers(layer)[1:]}
        if self.reference.hidden - cells:
            raise NotChecked(HIDDEN)

    def compare(self, check, before, after, protected, tolerance, message, *, gap=None):
        """Returns a finding if two runs differ in values that must agree.

        Args:
            check: Name of the check.
            before: A run.
            after: A run of changed inputs.
            protected: Picks the values that must agree.
            tolerance: Largest relative difference.
            message: Description of the fault.
            gap: The difference of the outputs, if it is known. Defaults to the
                difference of the protected values.

        Returns:
            A list of at most one `Finding`.
        """
        if gap is None:
            gap = protected_difference(before.output, after.output, protected)
        if gap <= tolerance:
            return []
        call = first_difference(before, after, protected, tolerance)
        if call is None:
            return [Finding(check, None, message, {"relative_difference": gap})]
        if check == "padding":
            message += self._lost_mask(after, call)
        return [
            Finding(check, self.name(call.layer), message, {"relative_difference": gap})
        ]

    def _lost_mask(self, run, at_fault) -> str:
        """Names the last layer that received Keras' implicit mask, if it was lost."""
        if at_fault.input_has_mask or not _takes_mask(at_fault.layer):
            return ""
        last = None
        for call in run.calls.values():
            if call is at_fault:
                break
            if call.input_has_mask:
                last = call
        if last is None:
            return ""
        return (
            " Its input carries no implicit mask of Keras; the last layer before it "
            f"that received one is {self.name(last.layer)}."
        )


def build(model, inputs: Inputs) -> None:
    """Creates the variables of a model that is not built."""
    if not all(layer.built for layer in all_layers(model)):
        run_model(model, inputs)


def takes_fixed_rows(model) -> bool:
    """Whether a model takes batches of one size only."""
    if any(map(keeps_states, all_layers(model))):
        return True
    try:
        symbolic = keras.tree.flatten(model.inputs)
    except (AttributeError, ValueError):  # not a functional model
        return False
    return any(x.shape[0] is not None for x in symbolic)


def _restore_recurrent_states(model, states) -> None:
    """Gives both runs of a layer with `stateful=True` the same initial states."""
    recurrent = {id(variable) for variable in recurrent_states(model)}
    for variable, value in states:
        if id(variable) in recurrent:
            variable.assign(value)


def _takes_mask(layer) -> bool:
    if not isinstance(layer, keras.layers.Layer):
        return False
    names = inspect.signature(type(layer).call).parameters
    return any("mask" in name for name in names)
