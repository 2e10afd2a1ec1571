# SPDX-License-Identifier: Apache-2.0
"""EXPUNGE (RFC 3501 section 6.4.3); AOSP sends it after every operation, mostly for nothing."""

from __future__ import annotations

from imap_server.errors import No
from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer

NAME = b"EXPUNGE"
STATES = SELECTED
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """Write only when the fresh view shows something to remove, report either way."""
    del command
    selected = session.selected
    if selected.read_only:
        raise No("mailbox is open read-only")
    if (await session.refresh()).any_deleted():
        await selected.mailbox.expunge(None)
        await session.refresh()
    session.expunged("expunged")
