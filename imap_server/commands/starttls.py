# SPDX-License-Identifier: Apache-2.0
"""STARTTLS (RFC 3501 section 6.2.1)."""

from __future__ import annotations

import msgspec

from imap_server.errors import Bad
from imap_server.session import NOT_LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"STARTTLS"
STATES = NOT_LOGGED_IN
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """OK in clear, then the handshake; nothing learnt before it counts (RFC 3501 section 6.2.1)."""
    del command
    if session.peer.tls or not session.tls_available:
        raise Bad("STARTTLS is not offered here")
    session.ok("begin TLS")
    await session.link.start_tls()
    session.peer = msgspec.structs.replace(session.peer, tls=True)
