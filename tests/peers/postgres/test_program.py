# SPDX-License-Identifier: Apache-2.0
"""The whole program on PostgreSQL: killed, beside a second node, and while the server restarts."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.process.clients import Api, Order, api_of
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.program import Program, running
from tests.process.test_workers import assert_heard_in_every_process, idling

pytestmark = [pytest.mark.peers, pytest.mark.process]

ALICE = PEOPLE[0]
STORE = """
[store]
url = "{url}"
[store.postgres]
partitions = 4
"""
_NODE = """
[secrets]
master_key_file = "{key}"
"""


@asynccontextmanager
async def on_postgres(directory: Path) -> AsyncIterator[tuple[Program, Phones, Api, str]]:
    """A program, an active subscriber, and the URL of the database."""
    async with postgres.database() as url, phones() as handsets:
        more = STORE.format(url=url)
        async with (
            running(directory, smsc_port=handsets.smsc.port, more=more) as program,
            api_of(program) as api,
        ):
            await api.add(ALICE)
            await handsets.activate([ALICE])
            yield program, handsets, api, url


async def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    async with on_postgres(tmp_path) as (program, handsets, api, _):
        first = await api.deposit(Order(ALICE, "+33698765432"))
        await program.kill_and_restart()
        assert await api.deposit(Order(ALICE, "+33698765432")) == first == 1
        assert await api.deposit(Order(ALICE, "+33698765433")) == 2
        await handsets.until(lambda: handsets.announced(ALICE) == {1, 2})


async def test_a_deposit_on_one_node_is_heard_on_another(tmp_path: Path) -> None:
    async with on_postgres(tmp_path) as (first, handsets, api, url):
        node = tmp_path / "second"
        node.mkdir()
        more = STORE.format(url=url) + _NODE.format(key=first.directory / "var" / "master.key")
        roles = ("--role", "imap,http")
        async with running(node, smsc_port=handsets.smsc.port, more=more, arguments=roles) as second:
            status = handsets.told[ALICE][-1].fields
            async with idling(second, status["u"], status["pw"]) as client:
                await api.deposit(Order(ALICE, "+33698765432"))
                assert await client.readline() == b"* 1 EXISTS\r\n"


async def test_a_deposit_is_heard_by_every_worker(tmp_path: Path) -> None:
    more = STORE + "[imap.limits]\nidle_poll_seconds = 3600\n"
    async with (
        postgres.database() as url,
        phones() as handsets,
        running(
            tmp_path,
            smsc_port=handsets.smsc.port,
            more=more.format(url=url),
            arguments=("--workers", "2"),
        ) as program,
    ):
        await assert_heard_in_every_process(program, handsets)


async def test_the_program_lives_through_a_crash_of_the_server(tmp_path: Path) -> None:
    async with on_postgres(tmp_path) as (program, handsets, api, _):
        assert await api.deposit(Order(ALICE, "+33698765432")) == 1
        server = postgres.server()
        server.stop(signal.SIGQUIT)
        assert await api.deposit(Order(ALICE, "+33698765433")) is None
        assert program.running
        server.start()
        assert await api.deposit(Order(ALICE, "+33698765433")) == 2
        await handsets.until(lambda: handsets.announced(ALICE) == {1, 2})
        assert program.running
