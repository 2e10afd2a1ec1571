# SPDX-License-Identifier: Apache-2.0
"""OMTP's own commands and greetings, by imaplib at the real program; what was answered OK survives a kill."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
from base64 import encodebytes
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.process.clients import SPEECH, Api
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program
from vvm.omtp.system import SystemSms

pytestmark = pytest.mark.process

GREETING = b"Content-Type: audio/amr\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encodebytes(
    SPEECH
).replace(b"\n", b"\r\n")


@contextmanager
def logged_in(program: Program, status: SystemSms) -> Iterator[imaplib.IMAP4]:
    """As the STATUS says."""
    context = ssl.create_default_context(cafile=program.certificate)
    with imaplib.IMAP4_SSL("localhost", program.imap_tls_port, ssl_context=context) as connection:
        connection.login(status.fields["u"], status.fields["pw"])
        yield connection


def set_up(program: Program, status: SystemSms) -> None:
    """Change the PIN, bring a greeting, close the tutorial."""
    with logged_in(program, status) as phone:
        assert phone.xatom("XCHANGE_TUI_PWD", "PWD=4711", "OLD_PWD=2580") == (
            "OK",
            [b"password changed successfully"],
        )
        answer, told = phone.append("Greetings", "($CNS-Greeting-On)", "", GREETING)
        assert (answer, told[0].split()[0]) == ("OK", b"[APPENDUID"), told
        assert phone.xatom("XCLOSE_NUT") == ("OK", [b"NUT closed"])


def look(program: Program, status: SystemSms) -> None:
    """All of it is there, octet by octet."""
    with logged_in(program, status) as phone:
        assert phone.xatom("XCHANGE_TUI_PWD", "PWD=4711", "OLD_PWD=4711")[0] == "OK"
        assert phone.xatom("XCHANGE_TUI_PWD", "PWD=2580", "OLD_PWD=2580") == (
            "NO",
            [b"old password mismatch"],
        )
        assert phone.select("Greetings") == ("OK", [b"1"])
        answer, told = phone.fetch("1", "(FLAGS BODY.PEEK[])")
        assert answer == "OK"
        assert isinstance(told[0], tuple)
        head, octets = told[0]
        assert b"$CNS-Greeting-On" in head
        assert octets == GREETING


# rows: PIN-05 NUT-02 GRT-02 GRT-04
async def test_a_set_up_that_was_answered_survives_a_kill(
    program: Program, api: Api, handsets: Phones
) -> None:
    someone = PEOPLE[0]
    await api.change(someone, pin="2580")
    status = handsets.told[someone][-1]
    await asyncio.to_thread(set_up, program, status)
    await program.kill_and_restart()
    await asyncio.to_thread(look, program, status)
