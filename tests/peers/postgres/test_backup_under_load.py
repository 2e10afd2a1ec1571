# SPDX-License-Identifier: Apache-2.0
"""The command beside a program that works: deposits and expunges go on, and the backup is whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests import postgres
from tests.peers.postgres.test_backup import vvm_backup
from tests.peers.postgres.test_program import STORE
from tests.process.clients import Callers, api_of, inbox
from tests.process.outcome import orders
from tests.process.phones import PEOPLE, phones
from tests.process.program import running
from vvm.runtime.backup import Manifest

pytestmark = [pytest.mark.peers, pytest.mark.process]

_BLOBS = """
[blobs]
url = "file://{directory}/blobs"
encrypt = true
sweep_after_hours = 1e-9
sweep_every_hours = 1e-5
"""
"""Swept without rest, so that blobs go while they are copied."""


async def backup(directory: Path, command: str) -> bytes:
    process = await vvm_backup(directory / "vvm.toml", command, directory / "backup", cwd=directory)
    out, err = await process.communicate()
    assert process.returncode == 0, err
    return out


async def test_a_backup_among_deposits_and_expunges_is_whole(tmp_path: Path) -> None:
    more = (STORE + _BLOBS).replace("{directory}", str(tmp_path))
    async with (
        postgres.database() as url,
        phones() as handsets,
        running(tmp_path, smsc_port=handsets.smsc.port, more=more.replace("{url}", url)) as program,
        api_of(program) as api,
    ):
        for msisdn in PEOPLE:
            await api.add(msisdn)
        await handsets.activate(PEOPLE)

        def expunge(msisdn: str) -> None:
            with inbox(program, handsets.told[msisdn][-1]) as client:
                client.mark(sorted(client.flags())[::2], r"(\Deleted)")
                client.expunge()

        callers = Callers(api, orders(240))
        async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            tasks.create_task(callers.run())
            await callers.reached(100)
            creating = tasks.create_task(backup(tmp_path, "create"))
            for msisdn in PEOPLE:
                await asyncio.to_thread(expunge, msisdn)
            made = await creating
        assert await backup(tmp_path, "verify") == made
        manifest = msgspec.json.decode(made, type=Manifest)
        assert (callers.broken, manifest.subscribers) == (0, len(PEOPLE))
        assert manifest.messages > 0
