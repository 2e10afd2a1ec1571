# SPDX-License-Identifier: Apache-2.0
"""CREATE (RFC 3501 section 6.3.3): make a mailbox, for a special use if asked (RFC 6154 section 3).

Its MAILBOXID is told (RFC 8474 section 4.1).  For accounts that arrange their mailboxes; others refuse.
"""

from __future__ import annotations

import msgspec

from imap_server import object_ids
from imap_server.abilities import filing
from imap_server.errors import Bad
from imap_server.patterns import DELIMITER
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"CREATE"
STATES = LOGGED_IN
CAPABILITY = None

_MOST_USES = 10


class Create(msgspec.Struct, frozen=True):
    """The mailbox, and what it is for; None where the client did not say."""

    name: str
    uses: tuple[str, ...] | None = None


def parse(line: Lexer) -> Create:
    """The mailbox; a delimiter at the end only announces more levels."""
    line.space()
    name = line.mailbox().removesuffix(DELIMITER)
    uses = None
    if line.accept(b" ("):
        if line.keyword() != b"USE":
            raise Bad("unknown CREATE parameter")
        line.space()
        uses = _uses(line)
        line.expect(b")")
    line.end()
    return Create(name, uses)


async def run(session: Session, command: Create) -> None:
    """The account decides; raises NotAllowed."""
    await filing(session.account).create(command.name, uses=command.uses)
    made = await session.account.status(command.name)
    session.ok("created", code=None if made is None else f"MAILBOXID ({object_ids.mailbox_id(made)})")


def _uses(line: Lexer) -> tuple[str, ...]:
    """Each once, in capitals as RFC 6154 spells them where it knows them."""
    line.expect(b"(")
    uses: dict[str, None] = {}
    while not line.accept(b")"):
        if uses:
            line.space()
        if not line.comes(b"\\") or len(uses) == _MOST_USES:
            raise Bad("expected uses such as \\Drafts")
        use = line.flag()
        uses["\\" + use[1:].capitalize()] = None
    return tuple(uses)
