# SPDX-License-Identifier: Apache-2.0
"""Large buffers stay out of the heap, whatever was freed before."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import ctypes
from vvm.runtime.allocator import map_large_buffers

class Figures(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Figures
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]

def mapped():
    before = libc.mallinfo2().hblks
    libc.malloc(256 * 1024)
    return libc.mallinfo2().hblks - before

{prepare}
libc.free(libc.malloc(4 * 1024 * 1024))
print(mapped())
"""


def _mapped_after_a_larger_one_was_freed(prepare: str) -> int:
    program = _PROGRAM.format(prepare=prepare)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return int(run.stdout)


def test_a_buffer_of_a_connection_has_pages_of_its_own() -> None:
    assert _mapped_after_a_larger_one_was_freed("map_large_buffers()") == 1


def test_without_that_the_allocator_learns_to_put_it_into_the_heap() -> None:
    assert _mapped_after_a_larger_one_was_freed("") == 0
