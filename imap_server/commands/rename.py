# SPDX-License-Identifier: Apache-2.0
"""RENAME (RFC 3501 section 6.3.5): another name for a mailbox and those below it.

For accounts that arrange their mailboxes; others refuse.
"""

from __future__ import annotations

import msgspec

from imap_server.abilities import filing
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"RENAME"
STATES = LOGGED_IN
CAPABILITY = None


class Rename(msgspec.Struct, frozen=True):
    """The name that is and the one that is wanted."""

    name: str
    other: str


def parse(line: Lexer) -> Rename:
    """The old name, the new name."""
    line.space()
    name = line.mailbox()
    line.space()
    other = line.mailbox()
    line.end()
    return Rename(name, other)


async def run(session: Session, command: Rename) -> None:
    """The account decides; raises NotAllowed."""
    await filing(session.account).rename(command.name, command.other)
    session.ok("renamed")
