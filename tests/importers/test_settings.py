"""Numbers in a model's settings: the ends of what is allowed, and what looks alike."""

import re

import pytest

from tf_transformer.importers.settings import (
    positive_integer,
    rate,
    read_json_vocabulary,
)


@pytest.mark.parametrize("value", [1, 7, 16])
def test_sizes_up_to_the_limit_are_read(value):
    assert positive_integer({"size": value}, "size", "a.json", 16) == value
    assert positive_integer({"size": 10**9}, "size", "a.json") == 10**9


@pytest.mark.parametrize("value", [0, -3, 17, True, 2.0, "3", None, [4]])
def test_other_sizes_are_refused(value):
    message = rf"a.json .*Expected size.* 1 and at most 16. .*{re.escape(repr(value))}"
    with pytest.raises(ValueError, match=message):
        positive_integer({"size": value}, "size", "a.json", 16)
    with pytest.raises(ValueError, match="Received: None"):
        positive_integer({}, "size", "a.json", 16)


@pytest.mark.parametrize("value", [0, 0.25, 0.999])
def test_rates_from_0_to_below_1_are_read(value):
    found = rate({"dropout": value}, "dropout", "a.json")
    assert (found, type(found)) == (value, float)
    assert rate({"other": 0.5}, "dropout", "a.json") == 0


@pytest.mark.parametrize("value", [-0.1, 1, 1.0, float("nan"), "0.1", None])
def test_other_rates_are_refused(value):
    """With the rate 1 a model could learn nothing."""
    with pytest.raises(ValueError, match="dropout, a number of at least 0 and below 1"):
        rate({"dropout": value}, "dropout", "a.json")


@pytest.mark.parametrize("row", ["true", "1.0", '"1"', "null"])
def test_a_row_of_a_vocabulary_is_an_integer(row, tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text(f'{{"a": 0, "b": {row}}}')
    with pytest.raises(ValueError, match="vocab.json is not .*Received: 'b': "):
        read_json_vocabulary(path)
    path.write_text('{"a": 0, "b": 1}')
    assert read_json_vocabulary(path) == {"a": 0, "b": 1}
