# SPDX-License-Identifier: Apache-2.0
"""With octets in files: acknowledged is readable, and a crash between blob and row leaves no row.

The sweeper of these programs never rests and knows no age, so that every deposit races with it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.process.clients import Api, Callers, Order, api_of, inbox
from tests.process.outcome import assert_each_is_there_once, orders
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program, running

pytestmark = pytest.mark.process

_SECONDS = 30.0
_RESTLESS = """
[blobs]
url = "file://{directory}/blobs"
encrypt = true
sweep_after_hours = 1e-9
sweep_every_hours = 1e-5
"""
_PATIENT = """
[blobs]
url = "file://{directory}/blobs"
"""


@pytest.fixture
async def restless(tmp_path: Path, handsets: Phones) -> AsyncIterator[Api]:
    more = _RESTLESS.format(directory=tmp_path)
    async with running(tmp_path, smsc_port=handsets.smsc.port, more=more) as program, api_of(program) as api:
        for msisdn in PEOPLE:
            await api.add(msisdn)
        await handsets.activate(PEOPLE)
        yield api


def blobs(directory: Path) -> set[str]:
    return {path.name for path in (directory / "blobs").rglob("*") if path.is_file()}


def rows(directory: Path) -> set[str]:
    """The blobs that messages have."""
    with closing(sqlite3.connect(directory / "var" / "vvm.db")) as database:
        return {key for (key,) in database.execute("SELECT blob FROM content")}


async def until(condition: Callable[[], bool]) -> None:
    """Files tell nobody when they come and go."""
    async with asyncio.timeout(_SECONDS):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


async def test_killed_among_deposits_each_that_was_acknowledged_can_be_heard(
    restless: Api, handsets: Phones
) -> None:
    callers = Callers(restless, orders(300))
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        tasks.create_task(callers.run())
        for progress in (60, 180):
            await callers.reached(progress)
            await restless.program.kill_and_restart()
    assert len(callers.acknowledged) == 300
    await assert_each_is_there_once(restless, handsets, callers)
    for msisdn in PEOPLE:
        heard = await asyncio.to_thread(_heard, restless.program, handsets, msisdn)
        assert heard == {uid for order, uid in callers.acknowledged.items() if order.recipient == msisdn}
    directory = restless.program.directory
    await until(lambda: blobs(directory) == rows(directory))


async def test_a_backup_among_deposits_and_expunges_is_whole(restless: Api, handsets: Phones) -> None:
    directory = restless.program.directory
    callers = Callers(restless, orders(240))

    async def backup(command: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vvm", "backup", command, "backup", "--config", "vvm.toml", "--json"),
            cwd=directory,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out

    def expunge(msisdn: str) -> None:
        with inbox(restless.program, handsets.told[msisdn][-1]) as client:
            client.mark(sorted(client.flags())[::2], r"(\Deleted)")
            client.expunge()

    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        tasks.create_task(callers.run())
        await callers.reached(100)
        creating = tasks.create_task(backup("create"))
        for msisdn in PEOPLE:
            await asyncio.to_thread(expunge, msisdn)
        made = await creating
    # As Prometheus is told.
    for operation in ("put", "delete"):
        sample = f'vvm_blob_seconds_count{{backend="disk",operation="{operation}",outcome="ok"}}'
        assert await restless.figure(sample) > 0
    assert await restless.figure("vvm_blobs_swept_total") > 0
    assert await backup("verify") == made
    assert msgspec.json.decode(made)["subscribers"] == len(PEOPLE)
    assert msgspec.json.decode(made)["messages"] > 0


def _heard(program: Program, handsets: Phones, msisdn: str) -> set[int]:
    with inbox(program, handsets.told[msisdn][-1]) as client:
        return {uid for uid, octets in client.whole().items() if b"audio/amr" in octets.lower()}


async def test_killed_between_blob_and_row_it_leaves_a_blob_that_is_swept(
    tmp_path: Path, handsets: Phones
) -> None:
    smsc_port = handsets.smsc.port
    program = Program(tmp_path, smsc_port=smsc_port, more=_PATIENT.format(directory=tmp_path))
    try:
        await program.start()
        async with api_of(program) as api:
            await api.add(PEOPLE[0])
            kept = await api.deposit(Order(PEOPLE[0], "+33690000001"))
            before = blobs(tmp_path)
            async with asyncio.TaskGroup() as tasks:
                with closing(sqlite3.connect(tmp_path / "var" / "vvm.db", isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")  # the row must wait for us, and the blob need not
                    callers = Callers(api, [Order(PEOPLE[0], "+33690000002")])
                    tasks.create_task(callers.run())
                    await until(lambda: any(not name.endswith(".draft") for name in blobs(tmp_path) - before))
                    left = blobs(tmp_path) - before
                    program.kill()
                    await program.ended()
                assert blobs(tmp_path) == before | left
                assert rows(tmp_path) == before
                # The same, with a sweeper that never rests: the caller tries again meanwhile.
                more = _RESTLESS.format(directory=tmp_path)
                program.configure(more)
                await program.start()
            assert await api.messages(PEOPLE[0]) == [
                (kept, "+33690000001"),
                (callers.acknowledged[Order(PEOPLE[0], "+33690000002")], "+33690000002"),
            ]
            await until(lambda: blobs(tmp_path) == rows(tmp_path))
            assert not left & blobs(tmp_path)
    finally:
        await program.end()
