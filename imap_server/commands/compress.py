# SPDX-License-Identifier: Apache-2.0
"""COMPRESS (RFC 4978): deflate in both directions, from the line after this command's on.

Only after login, so that a stranger makes us keep no state for it.
"""

from __future__ import annotations

from imap_server.errors import Bad
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"COMPRESS"
STATES = LOGGED_IN
CAPABILITY = b"COMPRESS=DEFLATE"


def parse(line: Lexer) -> bytes:
    """The mechanism's name in capitals."""
    line.space()
    mechanism = line.keyword()
    line.end()
    return mechanism


async def run(session: Session, command: bytes) -> None:
    """OK in clear, then compressed; once for a connection (RFC 4978 section 3 answers both with BAD)."""
    if command != b"DEFLATE":
        raise Bad("unknown compression")
    if session.link.compressed:
        raise Bad("compressed already")
    session.ok("compression starts")
    await session.link.compress()
