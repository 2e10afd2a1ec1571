# SPDX-License-Identifier: Apache-2.0
"""COPY (RFC 3501 section 6.4.7).

The OMTP profile refuses it; the arguments are read all the same, so that a malformed command is
told from a refused one.
"""

from __future__ import annotations

from imap_server.backend import NotAllowed
from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer

NAME = b"COPY"
STATES = SELECTED
CAPABILITY = None


def parse(line: Lexer) -> None:
    """Which messages, and whereto."""
    line.space()
    line.number_set()
    line.space()
    line.mailbox()
    line.end()


async def run(session: Session, command: None) -> None:
    """Raises NotAllowed."""
    del session, command
    raise NotAllowed
