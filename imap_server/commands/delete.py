# SPDX-License-Identifier: Apache-2.0
"""DELETE (RFC 3501 section 6.3.4): remove a mailbox and what is in it.

For accounts that arrange their mailboxes; others refuse.
"""

from __future__ import annotations

from imap_server.abilities import filing
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"DELETE"
STATES = LOGGED_IN
CAPABILITY = None


def parse(line: Lexer) -> str:
    """The mailbox."""
    line.space()
    name = line.mailbox()
    line.end()
    return name


async def run(session: Session, command: str) -> None:
    """The account decides; raises NotAllowed."""
    await filing(session.account).delete(command)
    session.ok("deleted")
