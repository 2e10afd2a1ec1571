# SPDX-License-Identifier: Apache-2.0
"""LOGOUT (RFC 3501 section 6.1.3)."""

from __future__ import annotations

from imap_server.session import ANY, Session
from imap_server.wire.lexer import Lexer

NAME = b"LOGOUT"
STATES = ANY
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """BYE first, then OK: AOSP waits for both."""
    del command
    session.end("bye")
    session.ok("logged out")
