# SPDX-License-Identifier: Apache-2.0
"""``vvm migrate imap`` from Dovecot, and from our own server: messages, flags, callers, times, greetings."""

from __future__ import annotations

import asyncio
import imaplib
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.peers.imap.dovecot import MASTER, MASTER_PASSWORD, dovecot
from tests.process.clients import SPEECH, api_of
from tests.process.clinic import PATIENT, Clinic, clinic
from tests.process.program import python_path
from tests.unit.audio_samples import wav

pytestmark = pytest.mark.peers

ALICE, BOB = "+33612345678", "+33687654321"
ACCOUNTS = {"alice": "a-secret", "bob": "b-secret"}
SECONDS = 60.0
RECEIVED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def mail(audio: bytes, subtype: str, *, caller: str = "+33698765432", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = f"{caller} <{caller}@voicemail.example.net>"
    message["Date"] = "Fri, 20 Nov 2026 09:30:00 +0000"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("You have a message.")
    message.add_attachment(audio, maintype="audio", subtype=subtype, filename=f"message.{subtype}")
    return message.as_bytes()


def fill(port: int) -> None:
    """What the old server holds.  Blocks."""
    for user, password in ACCOUNTS.items():
        with imaplib.IMAP4("127.0.0.1", port) as client:
            client.login(user, password)
            for flags, octets in (
                ("(\\Seen)", mail(SPEECH, "amr")),
                ("", mail(wav(seconds=2.0), "wav", caller="anonymous")),
                ("(\\Flagged)", mail(b"noise", "wav") if user == "bob" else mail(SPEECH, "amr")),
            ):
                assert client.append("INBOX", flags, "", octets)[0] == "OK"
            if user == "alice":
                client.create("Greetings")
                greeting = mail(wav(seconds=1.5), "wav", X_CNS_Greeting_Type="normal-greeting")
                assert client.append("Greetings", "($CNS-Greeting-On)", "", greeting)[0] == "OK"


def seen_at_source(port: int) -> list[bytes]:
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login("alice", ACCOUNTS["alice"])
        client.select("INBOX", readonly=True)
        return [bytes(line) for line in client.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes)]


async def migrate(
    directory: Path, port: int, *words: str, master: str = MASTER, password: str = MASTER_PASSWORD
) -> tuple[int, list[dict[str, Any]], str]:
    (directory / "password").write_text(password)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vvm", "migrate", "imap", "localhost", "--port", str(port)),
        *("--numbers", "numbers.csv", "--master", master, "--password-file", "password"),
        *("--json", "--config", "vvm.toml", *words),
        cwd=directory,
        env=os.environ | {"PYTHONPATH": python_path()},
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out or b"[]"), err.decode()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Clinic]:
    async with clinic(tmp_path) as made:
        (tmp_path / "numbers.csv").write_text(f"alice,{ALICE}\nbob,{BOB}\n")
        yield made


async def test_mailboxes_of_dovecot_come_along_and_stay_as_they_were(here: Clinic, tmp_path: Path) -> None:
    async with dovecot(ACCOUNTS) as port:
        await asyncio.to_thread(fill, port)
        before = await asyncio.to_thread(seen_at_source, port)
        code, lines, err = await migrate(here.directory, port, "--no-tls", "--create")
        assert lines, err
        alice, bob = lines
        assert code == 1, err  # one of Bob's is noise
        assert (alice["found"], alice["taken"], alice["verified"], alice["greetings"]) == (3, 3, 3, 1), alice
        assert (bob["taken"], bob["refused"], len(bob["problems"])) == (2, 1, 1), bob
        async with here.api() as api:
            assert await api.callers(ALICE) == ["+33698765432", None, "+33698765432"]
            assert await api.times(ALICE) == [RECEIVED] * 3
            assert await api.heard(ALICE) == [True, False, False]
        again, lines, _ = await migrate(here.directory, port, "--no-tls", "--ledger", "another.ndjson")
        assert again == 1
        assert [(line["taken"], line["known"]) for line in lines] == [(0, 3), (0, 2)]
        assert await asyncio.to_thread(seen_at_source, port) == before


async def test_a_master_that_dovecot_refuses_is_told(here: Clinic, tmp_path: Path) -> None:
    async with dovecot(ACCOUNTS) as port:
        code, _, err = await migrate(here.directory, port, "--no-tls", password="wrong")
    assert code == 1
    assert "does not let migration into alice" in err
    assert "wrong" not in err
    code, _, err = await migrate(here.directory, port, "--no-tls")
    assert code == 3  # nobody is there any more
    assert "localhost" in err


async def test_our_own_server_is_a_source_like_any_other(
    here: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one service to another."""
    old = tmp_path / "old"
    old.mkdir()
    monkeypatch.setenv("VVM_IMAP__MASTER__USER", MASTER)
    monkeypatch.setenv("VVM_IMAP__MASTER__PASSWORD", MASTER_PASSWORD)
    async with clinic(old) as source:
        monkeypatch.delenv("VVM_IMAP__MASTER__USER")
        monkeypatch.delenv("VVM_IMAP__MASTER__PASSWORD")
        (here.directory / "numbers.csv").write_text(f"{PATIENT.removeprefix('+')},{ALICE}\n")
        tls = ("--ca", str(source.program.certificate), "--create")
        code, found, err = await migrate(here.directory, source.ports["imap_tls"], *tls)
        assert code == 0, (found, err)
        assert [(line["taken"], line["verified"]) for line in found] == [(1, 1)]
        async with api_of(source.program) as there, here.api() as api:
            assert await api.callers(ALICE) == await there.callers(PATIENT)
            # A Date header has whole seconds.
            (sent,) = await there.times(PATIENT)
            assert await api.times(ALICE) == [sent.replace(microsecond=0)]
