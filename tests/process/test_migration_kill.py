# SPDX-License-Identifier: Apache-2.0
"""``vvm migrate`` killed twice in the middle, beside the real program: nothing twice, nothing missing."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import msgspec
import pytest

from tests.process.clients import api_of
from tests.process.phones import Phones
from tests.process.program import Program, python_path
from tests.unit.spool_samples import SpoolSample
from vvm.migration.migration import Line

pytestmark = pytest.mark.process

MAILBOXES = tuple(f"3361234568{digit}" for digit in range(3))
MESSAGES = 20
SECONDS = 60.0


async def migrate(program: Program) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vvm", "migrate", "spool", "asterisk"),
        *("--create", "--json", "--config", "vvm.toml"),
        cwd=program.directory,
        env=os.environ | {"PYTHONPATH": python_path()},
        stdout=PIPE,
        stderr=DEVNULL,
    )


async def kill_after(process: Process, ledger: Path, lines: int) -> None:
    """``kill -9`` once so many messages are written down."""
    async with asyncio.timeout(SECONDS):
        while not ledger.exists() or len(ledger.read_bytes().splitlines()) < lines:
            assert process.returncode is None, "it ended before it could be killed"
            await asyncio.sleep(0)
    process.kill()
    await process.wait()


async def test_a_migration_that_was_killed_goes_on(program: Program, handsets: Phones) -> None:
    spool = SpoolSample(program.directory / "asterisk")
    for mailbox in MAILBOXES:
        for _ in range(MESSAGES):
            spool.message(mailbox)
    ledger = program.directory / "var" / "migration.ndjson"
    for lines in (5, 25):
        await kill_after(await migrate(program), ledger, lines)
    process = await migrate(program)
    async with asyncio.timeout(SECONDS):
        out, _ = await process.communicate()
    found = msgspec.json.decode(out, type=list[Line])
    assert process.returncode == 0, found
    assert sum(line.known for line in found) >= 25
    assert [(line.found, line.verified, line.refused) for line in found] == [(MESSAGES, MESSAGES, 0)] * 3
    async with api_of(program) as api:
        for mailbox in MAILBOXES:
            assert len(await api.messages(f"+{mailbox}")) == MESSAGES
    assert not any(handsets.synced.values())
    assert not any(handsets.updated.values())
