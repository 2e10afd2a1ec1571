# SPDX-License-Identifier: Apache-2.0
"""The collector looks at what came after the start, and at nothing older."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import gc, weakref
from vvm.runtime.collector import leave_alone_what_is_there

class Thing:
    def __init__(self):
        self.itself = self

old = Thing()
leave_alone_what_is_there()
new = Thing()
seen = weakref.ref(old), weakref.ref(new)
del old, new
gc.collect()
print(*(thing() is not None for thing in seen))
"""


def test_only_cycles_made_after_the_start_are_looked_for() -> None:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True, text=True)
    assert run.stdout.split() == ["True", "False"]
