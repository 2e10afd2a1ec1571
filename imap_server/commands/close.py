# SPDX-License-Identifier: Apache-2.0
"""CLOSE (RFC 3501 section 6.4.2)."""

from __future__ import annotations

from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer

NAME = b"CLOSE"
STATES = SELECTED
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """Expunge without saying which messages went, and leave the mailbox."""
    del command
    selected = session.selected
    if not selected.read_only and (await session.refresh()).any_deleted():
        await selected.mailbox.expunge(None)
    session.unselect()
    session.ok("closed")
