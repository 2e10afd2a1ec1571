# SPDX-License-Identifier: Apache-2.0
"""SETMETADATA (RFC 5464 section 4.3): keep annotations, or remove those that are set to NIL."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from imap_server import metadata
from imap_server.abilities import annotated
from imap_server.errors import Bad, No
from imap_server.metadata import MOST_ENTRIES, SPECIAL_USE
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"SETMETADATA"
STATES = LOGGED_IN
CAPABILITY = None

_OPERATORS = "/shared/admin"
"""Of the account: what clients may not change (RFC 5464 section 3.2.1.1)."""


class SetMetadata(msgspec.Struct, frozen=True):
    """Of which mailbox, and the values by name; None removes."""

    mailbox: str
    values: Mapping[str, bytes | None]


def parse(line: Lexer) -> SetMetadata:
    """The mailbox, then names and values in pairs; of one name that comes twice the last counts."""
    line.space()
    mailbox = line.mailbox()
    line.space()
    line.expect(b"(")
    values: dict[str, tuple[str, bytes | None]] = {}
    while True:
        name = metadata.name(line)
        line.space()
        line.accept(b"~")  # a literal8, which may hold NUL; ours all may
        values[name.lower()] = name, line.nstring()
        if line.accept(b")"):
            break
        if len(values) == MOST_ENTRIES:
            raise Bad("too many entries")
        line.space()
    line.end()
    return SetMetadata(mailbox, dict(values.values()))


async def run(session: Session, command: SetMetadata) -> None:
    """All or none.  For accounts that keep annotations; others refuse."""
    names = {name.lower() for name in command.values}
    if not command.mailbox and _OPERATORS in names:
        raise No("set by the operator", code="CANNOT")
    if command.mailbox and SPECIAL_USE in names:
        raise No("a special use is given by CREATE", code="CANNOT")
    if not await annotated(session.account).write(command.mailbox, command.values):
        raise No("no such mailbox", code="NONEXISTENT")
    session.ok("annotations kept")
