# SPDX-License-Identifier: Apache-2.0
"""A serving SQLite file becomes a PostgreSQL under load; the copy is killed in the middle."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest

from tests import postgres
from tests.peers.postgres.test_program import STORE
from tests.process.clients import Api, Order, api_of
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.program import Program, python_path, running
from vvm.runtime.copy import Copied

pytestmark = [pytest.mark.peers, pytest.mark.process]

_SECONDS = 400.0
"""A copy beside a load, where other tests run too."""
_PAUSE_SECONDS = 0.1
"""Between two deposits of a caller: a copy that takes long fills no mailbox."""
_BEFORE = 60
"""Messages of each subscriber when the copy begins."""


class Load:
    """Callers who deposit one message after another, and know what was acknowledged."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._numbers = count(1)
        self.acknowledged: dict[str, dict[str, int]] = {msisdn: {} for msisdn in PEOPLE}
        self.unanswered: list[Order] = []

    async def deposit(self, msisdn: str) -> bool:
        order = Order(msisdn, f"+3369{next(self._numbers):07}")
        try:
            uid = await self._api.deposit(order)
        except aiohttp.ClientError:
            uid = None
        if uid is None:
            self.unanswered.append(order)
            return False
        self.acknowledged[msisdn][order.caller] = uid
        return True

    async def until_moved(self, msisdn: str) -> None:
        """Go on until the program refuses, because its store is sealed or because it has ended."""
        while await self.deposit(msisdn):  # noqa: ASYNC110 - each turn is a deposit
            await asyncio.sleep(_PAUSE_SECONDS)


async def vvm_store(program: Program, *words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vvm", "store", *words, "--json", "--config", "vvm.toml"),
        cwd=program.directory,
        env=os.environ | {"PYTHONPATH": python_path()},
        stdout=PIPE,
        stderr=PIPE,
    )


async def end_of(process: Process) -> bytes:
    """What it says when it is done."""
    try:
        async with asyncio.timeout(_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, err
    return out


async def kill_in_the_middle(process: Process, url: str) -> int:
    """``kill -9`` when some of the messages are there; how many."""
    connection: Any = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(_SECONDS):
            while not (found := await connection.fetchval("SELECT count(*) FROM message")):
                assert process.returncode is None, "it ended before it could be killed"
    finally:
        await connection.close()
    process.kill()
    await process.wait()
    return int(found)


async def test_nothing_acknowledged_is_lost_and_nothing_is_twice(tmp_path: Path) -> None:
    async with (
        postgres.database() as url,
        phones() as handsets,
        running(tmp_path, smsc_port=handsets.smsc.port) as program,
        api_of(program) as api,
    ):
        load = await _begin(api, handsets)
        async with asyncio.TaskGroup() as callers:
            for msisdn in PEOPLE:
                callers.create_task(load.until_moved(msisdn))
            words = ("copy", "sqlite:///var/vvm.db", url)
            assert await kill_in_the_middle(await vvm_store(program, *words), url) > 0
            assert program.running
            out = await end_of(await vvm_store(program, *words))
        copied = msgspec.json.decode(out, type=Copied)
        acknowledged = sum(map(len, load.acknowledged.values()))
        assert (copied.mailboxes, copied.differences[-1]) == (len(PEOPLE), 0)
        assert copied.messages >= acknowledged > _BEFORE * len(PEOPLE)
        assert await program.ended() == 0
        assert program.logged("store_moved", place=url)
        program.configure(STORE.format(url=url))
        await program.start()
        for order in load.unanswered:  # whoever got no answer asks again, with the same key
            uid = await api.deposit(order)
            assert uid is not None
            load.acknowledged[order.recipient][order.caller] = uid
        for msisdn in PEOPLE:
            there = await api.messages(msisdn)
            assert sorted((uid, caller) for caller, uid in load.acknowledged[msisdn].items()) == sorted(there)


async def _begin(api: Api, handsets: Phones) -> Load:
    for msisdn in PEOPLE:
        await api.add(msisdn)
    await handsets.activate(PEOPLE)
    load = Load(api)
    for _ in range(_BEFORE):
        await asyncio.gather(*map(load.deposit, PEOPLE))
    assert not load.unanswered
    return load
