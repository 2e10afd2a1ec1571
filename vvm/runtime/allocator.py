# SPDX-License-Identifier: Apache-2.0
"""The C library's memory allocator, told that connections stay open for hours."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3
"""mallopt(3)."""
_BYTES = 128 * 1024
"""glibc's own beginning, which it would raise to 32 MB in the course of time."""


def map_large_buffers() -> None:
    """Keep large allocations out of the heap, each in pages of its own.

    uvloop has a buffer of 256 KB for each TLS connection and touches a page or two of it.  In the heap
    it comes to lie among small objects and on pages that were used before: 22 KB for each connection.
    Does nothing where there is no such allocator.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _BYTES)
