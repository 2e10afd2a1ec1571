# SPDX-License-Identifier: Apache-2.0
"""CREATE (RFC 3501 section 6.3.3): make a mailbox; its MAILBOXID is told (RFC 8474 section 4.1).

For accounts that arrange their mailboxes; others refuse.
"""

from __future__ import annotations

from imap_server import object_ids
from imap_server.abilities import filing
from imap_server.patterns import DELIMITER
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"CREATE"
STATES = LOGGED_IN
CAPABILITY = None


def parse(line: Lexer) -> str:
    """The mailbox; a delimiter at the end only announces more levels."""
    line.space()
    name = line.mailbox().removesuffix(DELIMITER)
    line.end()
    return name


async def run(session: Session, command: str) -> None:
    """The account decides; raises NotAllowed."""
    await filing(session.account).create(command)
    made = await session.account.status(command)
    session.ok("created", code=None if made is None else f"MAILBOXID ({object_ids.mailbox_id(made)})")
