# SPDX-License-Identifier: Apache-2.0
"""How much memory a server takes: the proportional set of all its processes, shared pages counted once."""

from __future__ import annotations

from pathlib import Path

from tests.bench.cpu import tree


def kilobytes(pid: int) -> int:
    return sum(map(_own, tree(pid)))


def _own(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
