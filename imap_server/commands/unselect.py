# SPDX-License-Identifier: Apache-2.0
"""UNSELECT (RFC 3691): leave the mailbox and remove nothing."""

from __future__ import annotations

from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer

NAME = b"UNSELECT"
STATES = SELECTED
CAPABILITY = b"UNSELECT"


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """Leave the mailbox."""
    del command
    session.unselect()
    session.ok("mailbox left")
