"""Changed texts, files and requests have documented effects only.

Run: pytest tests/fuzzing/test_targets.py
"""

import warnings

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.fast import FAST
from tests.fuzzing.targets import MODULES, find_target, targets_of
from tests.fuzzing.worker import WORDS
from tests.peak_memory import peak_megabytes

MAX_MEGABYTES = 32
NUM_EXAMPLES = 40 if FAST else 1_000
NUM_SLOW_EXAMPLES = 4 if FAST else 40
NEEDED = {"torch": "torch", "torch_pickle": "torch"}


def changed(seeds):
    """Valid inputs in which bytes are replaced, inserted, repeated or left out."""
    edit = st.tuples(
        st.sampled_from(["replace", "insert", "repeat", "leave out", "cut"]),
        st.integers(0, 2**20),
        st.one_of(st.sampled_from([word.encode() for word in WORDS]), st.binary()),
    )
    return st.builds(_edited, st.sampled_from(seeds), st.lists(edit, max_size=4))


def _edited(data, edits):
    for kind, place, new in edits:
        start = place % (len(data) + 1)
        head, tail = data[:start], data[start:]
        data = {
            "replace": head + new + tail[len(new) :],
            "insert": head + new + tail,
            "repeat": head + tail[: len(new)] * 9 + tail,
            "leave out": head + tail[len(new) :],
            "cut": head or data,
        }[kind]
    return data


def parameters():
    for module in MODULES:
        for name, target in targets_of(module).items():
            is_long = module in ("foreign_folders", "run_folders", "graph_tokenizer")
            marks = [pytest.mark.long] * is_long
            marks += [pytest.mark.moderate] * (not FAST)
            marks += [pytest.mark.full] * target.is_slow
            yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(parameters()))
def test_hostile_input_does_only_what_is_documented(name):
    target = find_target(name)
    pytest.importorskip(NEEDED.get(target.name, "hypothesis"))
    seeds = target.seeds()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of headers
        for data in seeds:
            target.read(data)  # a seed is valid

    @hypothesis.given(changed(seeds))
    @hypothesis.settings(
        max_examples=NUM_SLOW_EXAMPLES if target.is_slow else NUM_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def check(data):
        peak = peak_megabytes(lambda: target.check(data[: target.longest()]))
        assert peak < MAX_MEGABYTES or target.is_slow

    check()
