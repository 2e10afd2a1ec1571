# SPDX-License-Identifier: Apache-2.0
"""Many sessions on two folders, from several processes at once: nobody is told a contradiction.

What each session believes comes from the server's words only.  When all rest, each believes what
somebody sees who opens the folder for the first time; no UID was ever given twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.process.arranging import Arranger, Guest
from tests.process.clients import api_of
from tests.process.observing import INBOX, OTHER, Session, Writer, session, truth
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program, python_path, running
from tests.process.strangers import Login, mail_program, member
from tests.process.test_workers import sockets, workers

pytestmark = pytest.mark.process

_SECONDS = 300.0
_AT_LEAST = 4
"""Sessions in each process; the kernel chooses, so they come until it is so."""
_LISTENERS = 4
_ROUNDS = 3
_STEPS = 60
_GUESTS = 6
_VISITS = 30


async def test_sessions_in_three_processes_agree_whenever_all_rest(tmp_path: Path, handsets: Phones) -> None:
    three = ("--workers", "3")
    async with running(tmp_path, smsc_port=handsets.smsc.port, arguments=three) as program:
        await agree(program, [program.pid, *workers(program)])


async def test_programs_that_open_and_close_the_store_take_nothing_from_under_the_sessions(
    tmp_path: Path, handsets: Phones
) -> None:
    """When the last user of SQLite's file goes, its log goes too: none may believe so in error."""
    two = ("--workers", "2")
    async with running(tmp_path, smsc_port=handsets.smsc.port, arguments=two) as program:
        agreed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            checks = group.create_task(check_until(agreed, tmp_path))
            await agree(program, [program.pid, *workers(program)])
            agreed.set()
        assert checks.result()


async def check_until(ended: asyncio.Event, directory: Path) -> int:
    """Look for damage in the store, again and again; returns how often there was none."""
    looks = 0
    while not ended.is_set():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vvm", "store", "check", "--config", "vvm.toml"),
            cwd=directory,
            env=os.environ | {"PYTHONPATH": python_path()},
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        looks += 1
    return looks


async def test_folders_come_and_go_under_those_who_have_them_open(tmp_path: Path, handsets: Phones) -> None:
    chance = random.Random(_seed())
    three = ("--workers", "3")
    async with (
        asyncio.timeout(_SECONDS),
        running(tmp_path, smsc_port=handsets.smsc.port, arguments=three) as program,
        api_of(program) as api,
    ):
        await api.add(PEOPLE[0])
        login = await mail_program(api, PEOPLE[0])
        guests = [Guest(program, login, random.Random(chance.random())) for _ in range(_GUESTS)]
        async with member(program, login) as peer:
            arranger = Arranger(peer, random.Random(chance.random()))
            async with asyncio.TaskGroup() as working:
                visits = [working.create_task(guest.work(_VISITS)) for guest in guests]
                while not all(visit.done() for visit in visits):
                    await arranger.work(1)
                    await arranger.check()
        assert sum(guest.sent_away for guest in guests) > 0
        assert sum(guest.came_back for guest in guests) > 0


def _seed() -> int:
    seed = int(os.environ.get("VVM_TEST_SEED", random.randrange(2**32)))
    print(f"VVM_TEST_SEED={seed}")
    return seed


async def agree(program: Program, processes: Sequence[int]) -> None:
    """Let sessions of all processes work, and check what they believe."""
    chance = random.Random(_seed())
    async with api_of(program) as api, AsyncExitStack() as open_sessions, asyncio.timeout(_SECONDS):
        await api.add(PEOPLE[0])
        login = await mail_program(api, PEOPLE[0])
        async with member(program, login) as first:
            await first.say(f"CREATE {OTHER}".encode(), tag="c")
        sessions = await everywhere(program, processes, login, open_sessions)
        listeners, writing = sessions[:_LISTENERS], sessions[_LISTENERS:]
        writers = [Writer(each, random.Random(chance.random())) for each in writing]
        for _ in range(_ROUNDS):
            await one_round(listeners, writers)
            await assert_all_agree(program, login, sessions)
        given = Counter(made for each in sessions for made in each.given)
        assert given.total() > 0
        assert [made for made, times in given.items() if times > 1] == []


async def everywhere(
    program: Program, processes: Sequence[int], login: Login, stack: AsyncExitStack
) -> list[Session]:
    """Sessions on both folders, with QRESYNC and without, until each process has some of them."""
    before = [sockets(pid) for pid in processes]
    sessions: list[Session] = []
    while min(now - then for now, then in zip(map(sockets, processes), before, strict=True)) < _AT_LEAST:
        folder = (INBOX, OTHER)[len(sessions) % 2]
        qresync = len(sessions) % 4 < 2
        sessions.append(await stack.enter_async_context(session(program, login, folder, qresync=qresync)))
    return sessions


async def one_round(listeners: Sequence[Session], writers: Sequence[Writer]) -> None:
    for listener in listeners:
        await listener.idle()
    async with asyncio.TaskGroup() as listening:
        for listener in listeners:
            listening.create_task(listener.listen())
        async with asyncio.TaskGroup() as working:
            for writer in writers:
                working.create_task(writer.work(_STEPS))
        for listener in listeners:
            listener.done()


async def assert_all_agree(program: Program, login: Login, sessions: Sequence[Session]) -> None:
    seen = {folder: await truth(program, login, folder) for folder in (INBOX, OTHER)}
    for each in sessions:
        await each.do("NOOP")
        assert each.observer.agrees_with(seen[each.folder])
        await each.do("FETCH 1:* (UID FLAGS)" if each.observer.messages else "NOOP")
        assert each.observer.messages == seen[each.folder].messages
