"""Windows are cut as full as the limit allows, and filled up with the least padding."""

import pytest

from tests.data.test_batching import WordTokenizer
from tf_transformer.data.encoding import encode_pairs
from tf_transformer.data.window import Window


def window(lengths, batch_tokens, shapes=None):
    """A window of pairs whose sources have these numbers of tokens."""
    pairs = [("7 " * (length - 1), "9") for length in lengths]
    return Window(encode_pairs(pairs, WordTokenizer(), 31), batch_tokens, shapes)


@pytest.mark.parametrize(
    ("batch_tokens", "sizes"), [(19, [3, 3, 1]), (20, [4, 3]), (24, [4, 3])]
)
def test_a_batch_may_have_exactly_as_many_tokens_as_allowed(batch_tokens, sizes):
    cut = window([5] * 7, batch_tokens)
    plan = cut.plan()
    batches = [cut.batch(plan, index) for index in range(cut.num_batches)]
    assert [len(labels) for _, labels, _ in batches] == sizes


def test_a_batch_of_padding_has_the_fewest_tokens_of_the_shapes_in_use():
    # 20, 26 and 3 tokens; no pair needs the last shape
    cut = window([3, 11, 12], 999, [(1, 2), (5, 4), (2, 13)])
    inputs, labels, weights = cut.filler()
    for array in (*inputs.values(), labels, weights):
        assert array.shape == (5, 4)
        assert not array.any()
