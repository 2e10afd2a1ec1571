# SPDX-License-Identifier: Apache-2.0
"""IMAPClient from PyPI arranges a mailbox as a mail client does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.dialogues.memory_world import memory_world
from tests.dialogues.world import Standing
from tests.peers.imap.programs import authority, run
from tests.peers.smsc.install import once

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent
PHONE = "+33612345678"


class Seen(msgspec.Struct, frozen=True):
    """What work_with_imapclient prints."""

    exists: int
    sizes: dict[int, int]
    audio: list[str]
    folders: list[str]
    flags: dict[int, list[str]]
    archived: int


@pytest.fixture(scope="module")
def interpreter() -> Path:
    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(HERE / "imapclient.txt")], check=True)

    return once("imapclient", HERE / "imapclient.txt", install) / "bin" / "python"


async def test_it_fetches_files_flags_and_deletes(interpreter: Path, tmp_path: Path) -> None:
    async with memory_world() as world:
        credentials = await world.provide(PHONE, messages=3, standing=Standing.MAIL_CLIENT)
        sizes = {uid: len(octets) for uid, octets in world.inbox(PHONE).octets.items()}
        trusted = await authority(world, tmp_path)
        printed = await run(
            str(interpreter),
            str(HERE / "work_with_imapclient.py"),
            str(world.tls_port),
            str(trusted),
            credentials.user,
            credentials.password,
        )
        kept = {uid: sorted(record.flags) for uid, record in world.inbox(PHONE).records.items()}
    seen = msgspec.json.decode(printed, type=Seen, strict=False)
    assert seen == Seen(
        exists=3,
        sizes=sizes,
        audio=["amr"] * 3,
        folders=["Archive", "Archive/2026", "INBOX"],
        flags={2: ["\\Seen"], 4: ["$mine"]},
        archived=1,
    )
    assert kept == seen.flags
