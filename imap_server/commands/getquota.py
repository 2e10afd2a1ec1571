# SPDX-License-Identifier: Apache-2.0
"""GETQUOTA (RFC 9208 section 4.1.2, as in RFC 2087 section 4.2)."""

from __future__ import annotations

from imap_server.commands.getquotaroot import figures
from imap_server.errors import No
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"GETQUOTA"
STATES = LOGGED_IN
CAPABILITY = b"QUOTA QUOTA=RES-MESSAGE QUOTA=RES-STORAGE"


def parse(line: Lexer) -> str:
    """The quota root."""
    line.space()
    root = line.text()
    line.end()
    return root


async def run(session: Session, command: str) -> None:
    """An account has one root, the one that governs its INBOX."""
    quota = await session.account.quota("INBOX")
    if quota is None or quota.root != command:
        raise No("no such quota root", code="NONEXISTENT")
    session.untagged(figures(quota))
    session.ok("quota given")
