# SPDX-License-Identifier: Apache-2.0
"""curl: its library is vvmd's engine, so this is what a Linux phone does (spec/omtp-vvm.md 11.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.world import Credentials, Standing
from tests.peers.imap.programs import authority, needs, run

pytestmark = pytest.mark.peers

PHONE = "+33612345678"


@pytest.fixture
async def world() -> AsyncIterator[MemoryWorld]:
    needs("curl", "curl")
    async with memory_world() as made:
        yield made


class Curl:
    """One request a run, as ``curl`` has it; each logs in anew."""

    def __init__(self, world: MemoryWorld, credentials: Credentials, trusted: Path) -> None:
        self._address = f"imaps://localhost:{world.tls_port}"
        self._common = (
            "curl",
            "--silent",
            "--show-error",
            "--cacert",
            str(trusted),
            "--user",
            f"{credentials.user}:{credentials.password}",
        )

    async def __call__(self, path: str, *options: str) -> bytes:
        return await run(*self._common, *options, f"{self._address}/{path}")


async def test_it_lists_fetches_marks_and_deletes_like_vvmd(world: MemoryWorld, tmp_path: Path) -> None:
    credentials = await world.provide(PHONE, messages=3)
    kept = dict(world.inbox(PHONE).octets)
    curl = Curl(world, credentials, await authority(world, tmp_path))
    assert await curl("", "-X", 'LIST "INBOX" *') == b'* LIST (\\HasNoChildren) "/" INBOX\r\n'
    assert await curl("INBOX", "-X", "SEARCH ALL") == b"* SEARCH 1 2 3\r\n"
    for uid, octets in kept.items():
        assert await curl(f"INBOX;UID={uid}") == octets
    await curl("INBOX", "-X", "STORE 2 +Flags \\Deleted")
    assert await curl("INBOX", "-X", "EXPUNGE") == b"* 2 EXPUNGE\r\n"
    assert dict(world.inbox(PHONE).octets) == {1: kept[1], 3: kept[3]}


async def test_a_mail_client_puts_a_message_and_finds_it_again(world: MemoryWorld, tmp_path: Path) -> None:
    credentials = await world.provide(PHONE, messages=0, standing=Standing.MAIL_CLIENT)
    message = tmp_path / "message.eml"
    message.write_bytes(b"From: a@example.net\r\nSubject: put there\r\n\r\nby curl\r\n")
    curl = Curl(world, credentials, await authority(world, tmp_path))
    await curl("INBOX", "--upload-file", str(message))
    assert await curl("INBOX?SUBJECT%20put") == b"* SEARCH 1\r\n"
    assert list(world.inbox(PHONE).octets.values()) == [message.read_bytes()]
