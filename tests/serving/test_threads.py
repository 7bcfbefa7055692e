"""Errors of functions in threads arrive."""

import asyncio

import pytest

from tf_transformer.serving.threads import in_thread


def test_the_end_of_an_iterator_is_an_error():
    async def call():
        return await asyncio.wait_for(in_thread(next, iter([])), 10)

    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        asyncio.run(call())
    assert isinstance(caught.value.__cause__, StopIteration)
