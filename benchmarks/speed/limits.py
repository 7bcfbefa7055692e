"""The machine's rates of a matrix product and of reading memory."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

ROWS, INNER, COLUMNS = 2048, 512, 2048
MEGABYTES = 256


def matrix_product() -> float:
    """10^9 floating point operations per second of NumPy, best of many."""
    a, b = (np.ones(shape, "float32") for shape in ((ROWS, INNER), (INNER, COLUMNS)))
    out = np.empty((ROWS, COLUMNS), "float32")
    return 2e-9 * ROWS * INNER * COLUMNS / _best(lambda: np.matmul(a, b, out=out))


def memory() -> float:
    """10^9 bytes per second that all processors read, best of many."""
    numbers = np.ones(MEGABYTES * 2**18, "float32")
    parts = np.array_split(numbers, os.cpu_count())
    with ThreadPoolExecutor() as pool:
        seconds = _best(lambda: list(pool.map(np.max, parts)))
    return 1e-9 * numbers.nbytes / seconds


def _best(work, seconds=1.0) -> float:
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
