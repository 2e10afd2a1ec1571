# SPDX-License-Identifier: Apache-2.0
"""LIST (RFC 3501 section 6.3.8); vvmd sends ``LIST "INBOX" *`` to see whether its login worked."""

from __future__ import annotations

import msgspec

from imap_server import patterns
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"LIST"
STATES = LOGGED_IN
CAPABILITY = None


class Pattern(msgspec.Struct, frozen=True):
    """The reference is what a relative pattern is appended to."""

    reference: str
    pattern: str


def parse(line: Lexer) -> Pattern:
    """Reference and pattern."""
    line.space()
    reference = line.mailbox()
    line.space()
    pattern = line.list_mailbox()
    line.end()
    return Pattern(reference, pattern)


async def run(session: Session, command: Pattern) -> None:
    """The empty pattern asks for the hierarchy delimiter only."""
    if not command.pattern:
        session.untagged(b'LIST (\\Noselect) "/" ""')
    else:
        await answer(session, b"LIST", command, attributes=True)
    session.ok("mailboxes listed")


async def answer(session: Session, verb: bytes, command: Pattern, *, attributes: bool) -> None:
    """One line for each mailbox that the pattern fits."""
    wanted = command.reference + command.pattern
    for entry in await session.account.list():
        if patterns.fits(wanted, entry.name):
            shown = " ".join(entry.attributes).encode() if attributes else b""
            session.untagged(b'%b (%b) "/" %b' % (verb, shown, session.mailbox_name(entry.name)))
