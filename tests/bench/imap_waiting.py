# SPDX-License-Identifier: Apache-2.0
"""W3: what thousands of clients in IDLE cost, and how soon they hear of a message."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import msgspec

from tests.bench import memory, report
from tests.bench.imap_idle import Heard


class Idler(msgspec.Struct, frozen=True):
    """A mailbox that is listened to; ``device`` and ``secret`` may append to it."""

    user: str
    password: str
    device: str = ""
    secret: str = ""

    def line(self) -> str:
        return f"{self.user} {self.password} {self.device} {self.secret}"


async def measure(name: str, port: int, processes: Sequence[int], idlers: Sequence[Idler]) -> float:
    """Kilobytes for each idler."""
    before = sum(map(memory.kilobytes, processes))
    generator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.imap_idle",
        str(port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert generator.stdin is not None
    assert generator.stdout is not None
    generator.stdin.write(";".join(idler.line() for idler in idlers).encode() + b"\n")
    if not await generator.stdout.readline():
        raise RuntimeError("the idlers did not all come in")
    each = (sum(map(memory.kilobytes, processes)) - before) / len(idlers)
    generator.stdin.write(b"go\n")
    heard = msgspec.json.decode(await generator.stdout.readline(), type=Heard)
    await generator.wait()
    title = f"W3, {len(idlers):,} idle"
    report.row(f"{title}, memory each: {name}", f"{each:.1f} KB", "PSS of all processes")
    report.percentiles(f"{title}, APPEND to OK: {name}", heard.answered)
    report.percentiles(f"{title}, APPEND to EXISTS: {name}", heard.told)
    return each
