# SPDX-License-Identifier: Apache-2.0
"""APPEND (RFC 3501 section 6.3.11).

The OMTP profile refuses it; the arguments and the literal are read all the same, so that the
connection stays in step.
"""

from __future__ import annotations

import re

from imap_server.backend import NotAllowed
from imap_server.errors import Bad
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"APPEND"
STATES = LOGGED_IN
CAPABILITY = None

_DATE_TIME = re.compile(rb'"[ 0-9][0-9]-[A-Za-z]{3}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}" ')


def parse(line: Lexer) -> None:
    """Mailbox, optional flags, optional date, the message as a literal."""
    line.space()
    line.mailbox()
    line.space()
    if line.accept(b"("):
        if not line.accept(b")"):
            line.flag()
            while line.accept(b" "):
                line.flag()
            line.expect(b")")
        line.space()
    line.match(_DATE_TIME)
    if not line.comes(b"{"):
        raise Bad("expected a literal")
    line.string()
    line.end()


async def run(session: Session, command: None) -> None:
    """Raises NotAllowed."""
    del session, command
    raise NotAllowed
