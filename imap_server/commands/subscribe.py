# SPDX-License-Identifier: Apache-2.0
"""SUBSCRIBE (RFC 3501 section 6.3.6).

The OMTP profile refuses it; the arguments are read all the same, so that a malformed command is
told from a refused one.
"""

from __future__ import annotations

from imap_server.backend import NotAllowed
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"SUBSCRIBE"
STATES = LOGGED_IN
CAPABILITY = None


def parse(line: Lexer) -> None:
    """The mailbox."""
    line.space()
    line.mailbox()
    line.end()


async def run(session: Session, command: None) -> None:
    """Raises NotAllowed."""
    del session, command
    raise NotAllowed
