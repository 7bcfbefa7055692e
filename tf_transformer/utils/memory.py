"""Keeps the C library's freed memory for the next training step."""

import ctypes

# names and numbers of glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
KEPT_BYTES = 2**31 - 1
TOP_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Makes glibc keep freed memory, so that each step finds it mapped.

    By default glibc returns large freed blocks to the system and requests them again
    in every training step; the system then fills each page with zeros. On a CPU this
    function saves that work; the process keeps its largest size until it ends. Call
    it once, before the first step, as `tf-transformer train` does. `make benchmark`
    trains with and without it.

    Returns:
        Whether the C library accepted the settings; `False`, without effect, if it
        is not glibc.

    Example:

    >>> took_settings = keep_freed_memory()
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    settings = {
        M_MMAP_MAX: 0,
        M_TRIM_THRESHOLD: KEPT_BYTES,
        M_TOP_PAD: TOP_PAD_BYTES,
    }
    taken = [mallopt(name, value) for name, value in settings.items()]
    return all(taken)
