# SPDX-License-Identifier: Apache-2.0
"""NOTIFY comes back to who said it; a process that looked at its own would read everything twice."""

from __future__ import annotations

import asyncio

import pytest

from tests import postgres
from vvm.store.postgres.hints import PostgresBus

pytestmark = pytest.mark.peers

_SECONDS = 20.0


async def test_a_process_hears_the_others_and_not_itself() -> None:
    heard: list[str] = []
    listening, ended = asyncio.Event(), asyncio.Event()

    def hear(text: str) -> None:
        heard.append(text)
        if text == "last":
            ended.set()

    async with postgres.database() as url, asyncio.timeout(_SECONDS):
        here, there = PostgresBus(url, postgres.SETTINGS), PostgresBus(url, postgres.SETTINGS)
        ear = asyncio.ensure_future(here.listen(hear, listening.set))
        await listening.wait()
        await here.say("own")
        await there.say("first")
        await here.say("own again")
        await there.say("last")  # what was said before it has come before it
        await ended.wait()
        ear.cancel()
        await asyncio.wait([ear])
    assert heard == ["first", "last"]
