# SPDX-License-Identifier: Apache-2.0
"""``vvm serve --workers 2``: two processes speak IMAP on one port, and live and die together."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.process.clients import Order, api_of
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program, running

pytestmark = pytest.mark.process

_SECONDS = 30.0
_OUTAGE = 3
_CLIENTS = 24
"""That the kernel gives them all to one of two processes happens once in eight million runs."""


@pytest.fixture(params=["store", "sockets"])
def hint_bus(request: pytest.FixtureRequest) -> str:
    bus: str = request.param
    return bus


@pytest.fixture
async def pair(tmp_path: Path, handsets: Phones) -> AsyncIterator[Program]:
    async with running(tmp_path, smsc_port=handsets.smsc.port, arguments=("--workers", "2")) as started:
        yield started


@pytest.fixture
async def speaking_pair(tmp_path: Path, handsets: Phones, hint_bus: str) -> AsyncIterator[Program]:
    more = f'[hints]\nbus = "{hint_bus}"\n[imap.limits]\nidle_poll_seconds = 3600\n'
    words = ("--workers", "2")
    async with running(tmp_path, smsc_port=handsets.smsc.port, more=more, arguments=words) as started:
        yield started


def workers(program: Program) -> list[int]:
    """The processes that speak IMAP beside the one that was started."""
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    return [pid for pid in map(int, children) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def sockets(pid: int) -> int:
    return sum(each.is_socket() for each in Path(f"/proc/{pid}/fd").iterdir())


async def gone(pid: int) -> None:
    """Until a process that is not our child has ended."""
    descriptor = os.pidfd_open(pid)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(_SECONDS):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


@asynccontextmanager
async def idling(program: Program, user: str, password: str) -> AsyncIterator[asyncio.StreamReader]:
    """A client that waits in IDLE on INBOX; its next line is news."""
    tls = ssl.create_default_context(cafile=program.certificate)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", program.imap_tls_port, ssl=tls, server_hostname="localhost"
    )
    writer.write(f'a LOGIN {user} "{password}"\r\nb SELECT INBOX\r\nc IDLE\r\n'.encode())
    await reader.readuntil(b"\r\n+ ")
    await reader.readline()
    yield reader
    writer.close()
    await writer.wait_closed()


async def test_a_deposit_is_heard_in_every_process(speaking_pair: Program, handsets: Phones) -> None:
    await assert_heard_in_every_process(speaking_pair, handsets)


async def assert_heard_in_every_process(pair: Program, handsets: Phones) -> None:
    (worker,) = workers(pair)
    before = [sockets(pid) for pid in (pair.pid, worker)]
    async with api_of(pair) as api, asyncio.timeout(_SECONDS), AsyncExitStack() as clients:
        await api.add(PEOPLE[0])
        await handsets.activate(PEOPLE[:1])
        status = handsets.told[PEOPLE[0]][-1].fields
        waiting = [
            await clients.enter_async_context(idling(pair, status["u"], status["pw"]))
            for _ in range(_CLIENTS)
        ]
        after = [sockets(pid) for pid in (pair.pid, worker)]
        assert all(more > fewer for fewer, more in zip(before, after, strict=True))
        await api.deposit(Order(PEOPLE[0], "+33698765432"))
        assert {await reader.readline() for reader in waiting} == {b"* 1 EXISTS\r\n"}


async def test_a_stop_ends_every_process_in_order(pair: Program) -> None:
    (worker,) = workers(pair)
    pair.terminate()
    assert await pair.ended() == 0
    assert not Path(f"/proc/{worker}").exists()


async def test_no_worker_outlives_a_parent_that_was_killed(pair: Program) -> None:
    (worker,) = workers(pair)
    pair.kill()
    await gone(worker)


async def test_a_worker_that_dies_ends_the_program_so_that_it_starts_whole_again(pair: Program) -> None:
    (worker,) = workers(pair)
    os.kill(worker, signal.SIGKILL)
    assert await pair.ended() == _OUTAGE
