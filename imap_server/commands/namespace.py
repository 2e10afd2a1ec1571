# SPDX-License-Identifier: Apache-2.0
"""NAMESPACE (RFC 2342): one personal namespace, nothing shared."""

from __future__ import annotations

from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"NAMESPACE"
STATES = LOGGED_IN
CAPABILITY = b"NAMESPACE"


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """Everything is below the root."""
    del command
    session.untagged(b'NAMESPACE (("" "/")) NIL NIL')
    session.ok("namespace listed")
