"""Waiting for what happens soon, but not for ever."""

import time


def until(condition, seconds=30):
    """Returns when `condition()` holds; fails the test if it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
