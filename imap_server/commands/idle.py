# SPDX-License-Identifier: Apache-2.0
"""IDLE (RFC 2177): the client hears of changes as they happen.

The mailbox's hint only wakes us; what is reported comes from the journal, and the journal is also
read from time to time without a hint, because hints may be lost.
"""

from __future__ import annotations

from imap_server.errors import Bad
from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer

NAME = b"IDLE"
STATES = SELECTED
CAPABILITY = b"IDLE"


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """Until DONE.  The watch starts before the first look, so that nothing falls in between."""
    del command
    link = session.link
    stop_watching = session.selected.mailbox.watch(link.wake)
    try:
        session.continuation(b"idling")
        await session.catch_up(expunges=True)
        while (line := await link.rest(session.settings.idle_poll_seconds)) is None:
            await session.catch_up(expunges=True)
    finally:
        stop_watching()
    if line.upper() != b"DONE":
        raise Bad("expected DONE")
    session.ok("idled")
