"""Waits for a condition, with a time limit."""

import time


def until(condition, seconds=180):
    """Returns when `condition()` holds; fails the test if it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
