# SPDX-License-Identifier: Apache-2.0
"""SETQUOTA (RFC 9208 section 4.1.1): limits are the operator's, so QUOTASET is never shown and this refused.

It is here because a client that tries it should hear why, and lose no connection over it.
"""

from __future__ import annotations

from imap_server.errors import No
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"SETQUOTA"
STATES = LOGGED_IN
CAPABILITY = None

_MOST_RESOURCES = 20


def parse(line: Lexer) -> None:
    """The root, then names and limits in pairs."""
    line.space()
    line.text()
    line.space()
    line.expect(b"(")
    if not line.accept(b")"):
        for _ in range(_MOST_RESOURCES):
            line.atom()
            line.space()
            line.modseq()  # number64: the same range
            if not line.accept(b" "):
                break
        line.expect(b")")
    line.end()


async def run(session: Session, command: None) -> None:
    """Always refused."""
    del session, command
    raise No("limits are set by the operator", code="NOPERM")
