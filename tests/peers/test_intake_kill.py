# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` in the middle of taking recordings in: each becomes one message, and is announced."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tests.peers.asterisk.front import eventually
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.speech import Speech
from tests.process.clients import api_of
from tests.process.phones import Phones, phones
from tests.process.program import running
from vvm.domain.numbers import Msisdn
from vvm.fronts.asterisk.names import RecordingName, format_name

pytestmark = [pytest.mark.peers, pytest.mark.process]

CALLED = Msisdn("+33612345678")
RECORDINGS = 40


def leave(node: AsteriskServer, speech: Speech) -> set[str]:
    """Recordings as a crash of the service leaves them on the node; the numbers of their callers."""
    callers = {f"+3369{index:07}" for index in range(RECORDINGS)}
    for caller in callers:
        name = format_name(
            RecordingName(subscriber=CALLED, started_at=datetime.now(UTC), caller=caller, unique=uuid4())
        )
        path = node.spool / "recording" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(speech.wav)
    return callers


async def test_killed_among_recordings_it_takes_each_in_once(
    tmp_path: Path, asterisk: AsteriskServer, speech: Speech
) -> None:
    callers = leave(asterisk, speech)
    password = tmp_path / "ari.password"
    password.write_text(asterisk.ari_password.reveal())
    capture = (
        f'\n[asterisk]\nari = "{asterisk.ari_url}"\nari_password_file = "{password}"\nrecover_every = 1.0\n'
    )
    async with phones() as handsets:
        # Without a subscriber nothing can be taken in: the test says when it begins.
        async with running(tmp_path, smsc_port=handsets.smsc.port) as idle, api_of(idle) as api:
            await api.add(CALLED)
            await handsets.activate([CALLED])
        async with running(tmp_path, smsc_port=handsets.smsc.port, more=capture) as program:
            for progress in (5, 15, 25):
                await _announced(handsets, progress)
                await program.kill_and_restart()
            await eventually(lambda: not asterisk.recordings, seconds=60)
            async with api_of(program) as api:
                messages = await api.messages(CALLED)
            assert sorted(caller for _, caller in messages) == sorted(callers)
            await handsets.until(lambda: handsets.announced(CALLED) >= {uid for uid, _ in messages})
            assert handsets.announced(CALLED) == {uid for uid, _ in messages}


async def _announced(handsets: Phones, count: int) -> None:
    async with asyncio.timeout(60):
        await handsets.until(lambda: len(handsets.announced(CALLED)) >= count)
