# SPDX-License-Identifier: Apache-2.0
"""CHECK (RFC 3501 section 6.4.1): there is nothing to check, but it may bring news."""

from __future__ import annotations

from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer

NAME = b"CHECK"
STATES = SELECTED
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """As NOOP."""
    del command
    await session.catch_up(expunges=True)
    session.ok("checked")
