# SPDX-License-Identifier: Apache-2.0
"""NOOP (RFC 3501 section 6.1.2): the client's way to ask for news."""

from __future__ import annotations

from imap_server.session import ANY, Session, State
from imap_server.wire.lexer import Lexer

NAME = b"NOOP"
STATES = ANY
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """Report everything, expunges included."""
    del command
    if session.state is State.SELECTED:
        await session.catch_up(expunges=True)
    session.ok("nothing done")
