# SPDX-License-Identifier: Apache-2.0
"""curl: its library is vvmd's engine, so this is what a Linux phone does (spec/omtp-vvm.md 11.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.product_world import PRODUCT_WORLDS
from tests.dialogues.world import Credentials, Standing
from tests.peers.imap.programs import authority, needs, run
from tests.peers.imap.test_mail_programs import ALICE, octets
from vvm.domain.message import INBOX

pytestmark = pytest.mark.peers

PHONE = "+33612345678"
_FIELDS = "FROM TO DATE SUBJECT MESSAGE-CONTEXT CONTENT-DURATION CONTENT-TYPE MIME-VERSION IMPORTANCE"


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
    for uid, message in kept.items():
        assert await curl(f"INBOX;UID={uid}") == message
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


class Vvmd:
    """vvmd's requests, each a run of the real libcurl (spec/omtp-vvm.md 11.2 and 20.1)."""

    def __init__(self, address: tuple[str, ...], login: Credentials, trusted: Path) -> None:
        *options, self._address = address
        who = ("--user", f"{login.user}:{login.password}", "--cacert", str(trusted))
        self._common = ("curl", "--silent", "--show-error", *who, *options)

    async def ask(self, request: str, folder: str = INBOX) -> bytes:
        return await run(*self._common, "-X", request, f"{self._address}/{folder}")

    async def cycle(self) -> dict[int, bytes]:
        """Probe, look, fetch and delete from the highest number down; what was fetched, by number."""
        assert b'* LIST (\\HasNoChildren) "/" INBOX\r\n' in await self.ask('LIST "INBOX" *', folder="")
        found = await self.ask("SEARCH ALL")
        fetched = {}
        for number in reversed(found.removeprefix(b"* SEARCH").split()):
            header = await self.ask(f"FETCH {number.decode()} BODY[HEADER.FIELDS ({_FIELDS})]")
            assert b"FETCH" in header
            fetched[int(number)] = await run(*self._common, f"{self._address}/INBOX;MAILINDEX={int(number)}")
            await self.ask(rf"STORE {number.decode()} +Flags \Deleted")
            assert await self.ask("EXPUNGE") == b"* %b EXPUNGE\r\n" % number
        return fetched


# rows: VMD-01
async def test_vvmds_whole_cycle_passes_on_993_and_then_on_143(tmp_path: Path) -> None:
    needs("curl", "curl")
    async with PRODUCT_WORLDS["product on sqlite"]() as world:
        login = await world.provide(ALICE, messages=3, standing=Standing.ACTIVE)
        trusted = await authority(world, tmp_path)
        before = await octets(world, INBOX)
        first = Vvmd((f"imaps://localhost:{world.tls_port}",), login, trusted)
        second = Vvmd(("--ssl-reqd", f"imap://localhost:{world.port}"), login, trusted)
        fetched = await first.cycle()
        assert [fetched[number] for number in sorted(fetched)] == before
        assert await octets(world, INBOX) == []
        await world.deposit(ALICE, seconds=2.0, caller="+15551230009")
        (left,) = await octets(world, INBOX)
        assert await second.cycle() == {1: left}
        assert await octets(world, INBOX) == []
