# SPDX-License-Identifier: Apache-2.0
"""IMAPClient from PyPI keeps a copy of a mailbox, arranges it, and hears of a deposit in IDLE."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec
import pytest

from tests.dialogues.product_world import PRODUCT_WORLDS
from tests.dialogues.world import Standing
from tests.peers.imap.programs import authority
from tests.peers.imap.test_mail_programs import ALICE, VOICE, kept, octets
from tests.peers.smsc.install import virtual_environment
from vvm.domain.message import INBOX, Flags, Kind

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent
ARCHIVE = "Archive/2026"
_SECONDS = 60.0


class Copied(msgspec.Struct, frozen=True):
    """What work_with_imapclient prints: flags and octets (in hex) by UID, and what else it saw."""

    inbox: dict[int, tuple[list[str], str]]
    archive: dict[int, tuple[list[str], str]]
    audio: list[str]
    folders: list[str]


def flags(copy: dict[int, tuple[list[str], str]]) -> dict[int, list[str]]:
    return {uid: flags for uid, (flags, _) in copy.items()}


def contents(copy: dict[int, tuple[list[str], str]]) -> list[bytes]:
    return [bytes.fromhex(octets) for _, (_, octets) in sorted(copy.items())]


@pytest.fixture(scope="module")
def interpreter() -> Path:
    return virtual_environment("imapclient", HERE / "imapclient.txt")


async def test_its_copy_is_what_the_mailbox_holds(interpreter: Path, tmp_path: Path) -> None:
    async with PRODUCT_WORLDS["product on sqlite"]() as world, asyncio.timeout(_SECONDS):
        credentials = await world.provide(ALICE, messages=3, standing=Standing.MAIL_CLIENT)
        client = await asyncio.create_subprocess_exec(
            str(interpreter),
            str(HERE / "work_with_imapclient.py"),
            str(world.tls_port),
            str(await authority(world, tmp_path)),
            credentials.user,
            credentials.password,
            stdout=PIPE,
        )
        assert client.stdout is not None
        try:
            assert await client.stdout.readline() == b"idling\n"
            await world.deposit(ALICE, seconds=1.0, caller="+15551230009")
            printed = await client.stdout.read()
        finally:
            if not client.stdout.at_eof():
                client.kill()
            await client.wait()
        assert client.returncode == 0
        copied = msgspec.json.decode(printed, type=Copied, strict=False)
        assert copied.audio == ["amr"] * 3
        assert copied.folders == ["Archive", ARCHIVE, "Greetings", INBOX]
        assert flags(copied.inbox) == {2: [r"\Answered", r"\Seen"], 4: ["$mine"], 5: []}
        assert flags(copied.archive) == {1: [], 2: []}
        assert contents(copied.inbox) == await octets(world, INBOX)
        assert contents(copied.archive) == await octets(world, ARCHIVE)
        assert await kept(world, INBOX) == {
            2: (Flags.SEEN | Flags.ANSWERED, frozenset(), Kind.VOICE),
            4: (Flags(0), frozenset({"$mine"}), Kind.MAIL),
            5: VOICE,
        }
        assert await kept(world, ARCHIVE) == {1: VOICE, 2: VOICE}
