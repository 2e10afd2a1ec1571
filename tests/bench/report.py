# SPDX-License-Identifier: Apache-2.0
"""What a figure is printed with: the machine it is from, and what it is compared with."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """One paragraph that says where the figures below come from."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return (
        f"{os.cpu_count()} x {cpu}, {int(memory) // 2**20} GiB; {platform.platform()}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}; "
        f"load {os.getloadavg()[0]:.1f} before the run"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def section(title: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


def row(name: str, value: str, note: str = "") -> None:
    print(f"  {name:<58}{value:>14}  {note}", flush=True)


def rate(name: str, count: int, seconds: float, note: str = "") -> float:
    """Print a rate, and give it for a ratio."""
    found = count / seconds
    row(name, f"{found:,.0f} /s", note)
    return found


def ratio(name: str, ours: float, other: float) -> None:
    row(name, f"{ours / other:.2f} x")


def percentiles(name: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    p50 = ordered[len(ordered) // 2] * 1000
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000
    row(name, f"{p50:.1f} ms", f"p99 {p99:.1f} ms, n={len(ordered)}")
