# SPDX-License-Identifier: Apache-2.0
"""mbsync keeps a Maildir and a mailbox the same, both ways: new, deleted and marked messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imap_server import flags
from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.world import Standing
from tests.peers.imap.programs import authority, needs, run

pytestmark = pytest.mark.peers

PHONE = "+33612345678"
_CONFIG = """
IMAPAccount vvm
Host localhost
Port {port}
User {user}
Pass {password}
AuthMechs LOGIN
SSLType IMAPS
SystemCertificates no
CertificateFile {authority}

IMAPStore far
Account vvm

MaildirStore near
Path {folder}/
Inbox {folder}/inbox

Channel vvm
Far :far:
Near :near:
Patterns INBOX
Create Near
Expunge Both
SyncState *
"""


@pytest.fixture
async def world() -> AsyncIterator[MemoryWorld]:
    needs("mbsync", "isync")
    async with memory_world() as made:
        yield made


def contents(inbox: Path) -> list[bytes]:
    """The messages of a Maildir, without the field that mbsync adds, lines ended as on the wire."""
    found = [path.read_bytes() for part in ("cur", "new") for path in (inbox / part).iterdir()]
    return sorted(
        b"\r\n".join(line for line in each.splitlines() if not line.startswith(b"X-TUID")) for each in found
    )


def stored(world: MemoryWorld) -> list[bytes]:
    kept = world.inbox(PHONE).octets.values()
    return sorted(
        b"\r\n".join(line for line in each.splitlines() if not line.startswith(b"X-TUID")) for each in kept
    )


async def test_what_changes_on_either_side_is_the_same_on_both(world: MemoryWorld, tmp_path: Path) -> None:
    credentials = await world.provide(PHONE, messages=3, standing=Standing.MAIL_CLIENT)
    configuration = tmp_path / "mbsyncrc"
    configuration.write_text(
        _CONFIG.format(
            port=world.tls_port,
            user=credentials.user,
            password=credentials.password,
            authority=await authority(world, tmp_path),
            folder=tmp_path,
        )
    )
    inbox = tmp_path / "inbox"

    async def sync() -> None:
        await run("mbsync", "--config", str(configuration), "vvm")

    await sync()
    assert len(contents(inbox)) == 3
    assert contents(inbox) == stored(world)

    first, second, _ = sorted((inbox / "new").iterdir())
    first.unlink()
    second.rename(inbox / "cur" / f"{second.name}:2,S")
    (inbox / "new" / "1.2.here").write_bytes(b"From: a@example.net\nSubject: made here\n\nlocal\n")
    await world.deposit(PHONE, seconds=1.0, caller="+15551230002")
    await sync()
    await sync()
    assert len(contents(inbox)) == 4
    assert contents(inbox) == stored(world)
    records = world.inbox(PHONE).records.values()
    assert sum(flags.SEEN in record.flags for record in records) == 1
