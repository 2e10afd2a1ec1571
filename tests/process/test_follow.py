# SPDX-License-Identifier: Apache-2.0
"""``vvm event follow`` prints what another process commits, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import msgspec
import pytest

from tests.process.program import python_path

pytestmark = pytest.mark.process

ALICE = "+33612345678"
SECONDS = 60.0


async def _vvm(directory: Path, *words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vvm", *words, "--config", "vvm.toml"),
        cwd=directory,
        env=os.environ | {"PYTHONPATH": python_path()},
        stdout=PIPE,
        stderr=PIPE,
    )


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
async def test_events_are_told_as_they_come(tmp_path: Path, end: signal.Signals) -> None:
    (tmp_path / "vvm.toml").write_text('[state]\ndirectory = "var"\n')
    assert await (await _vvm(tmp_path, "cos", "list")).wait() == 0  # the store is there
    follower = await _vvm(tmp_path, "event", "follow", "--cursor", "", "--json")
    assert follower.stdout is not None
    async with asyncio.timeout(SECONDS):
        for words, trigger in (
            (("add", ALICE), "created"),
            (("hold", ALICE, "--reason", "case 12"), "held"),
        ):
            assert await (await _vvm(tmp_path, "subscriber", *words)).wait() == 0
            event = msgspec.json.decode(await follower.stdout.readline())
            assert (event["msisdn"], event["trigger"]) == (ALICE, trigger)
        follower.send_signal(end)
        rest, complaints = await follower.communicate()
    assert (follower.returncode, rest, complaints) == (0, b"", b"")
