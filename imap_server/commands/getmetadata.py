# SPDX-License-Identifier: Apache-2.0
"""GETMETADATA (RFC 5464 section 4.2): annotations of a mailbox, or with "" of the account.

Options stand before the mailbox in the grammar and behind it in the examples of the RFC: both are read.
"""

from __future__ import annotations

import msgspec

from imap_server import metadata
from imap_server.abilities import Annotation, annotated
from imap_server.errors import Bad, No
from imap_server.listed import special_uses
from imap_server.metadata import MOST_ENTRIES, Wanted
from imap_server.session import LOGGED_IN, Session
from imap_server.wire import encoder
from imap_server.wire.lexer import Lexer

NAME = b"GETMETADATA"
STATES = LOGGED_IN
CAPABILITY = None

_DEPTHS: dict[bytes, int | None] = {b"0": 0, b"1": 1, b"INFINITY": None}


class GetMetadata(msgspec.Struct, frozen=True):
    """Of which mailbox, and what."""

    mailbox: str
    wanted: Wanted


def parse(line: Lexer) -> GetMetadata:
    """Options, the mailbox, one entry or several in parentheses."""
    line.space()
    options: dict[bytes, int | None] = {}
    if line.accept(b"("):
        options = _options(line)
        line.space()
    mailbox = line.mailbox()
    line.space()
    names: list[str] = []
    if line.accept(b"("):
        if line.comes(b"/") or line.comes(b'"') or line.comes(b"{"):
            names = _names(line)
        else:
            options |= _options(line)
            line.space()
    if not names:
        names = _names(line) if line.accept(b"(") else [metadata.name(line, scope=True)]
    line.end()
    return GetMetadata(
        mailbox,
        Wanted(tuple(names), depth=options.get(b"DEPTH", 0), max_bytes=options.get(b"MAXSIZE")),
    )


async def run(session: Session, command: GetMetadata) -> None:
    """For accounts that keep annotations; others refuse."""
    kept = await annotated(session.account).read(command.mailbox)
    if kept is None:
        raise No("no such mailbox", code="NONEXISTENT")
    if any(metadata.SPECIAL_USE.startswith(name.lower()) for name in command.wanted.names):
        kept = [*kept, *await _special_use(session, command.mailbox)]
    found = metadata.select(kept, command.wanted)
    if found.values:
        pairs = b" ".join(
            encoder.astring(name.encode()) + b" " + encoder.nstring8(value)
            for name, value in found.values.items()
        )
        session.untagged(b"METADATA %b (%b)" % (session.mailbox_name(command.mailbox), pairs))
    code = f"METADATA LONGENTRIES {found.longest}" if found.longest else None
    session.ok("annotations given", code=code)


async def _special_use(session: Session, mailbox: str) -> list[Annotation]:
    """What no client has set: the uses of the mailbox, where it has any (RFC 6154 section 4)."""
    entries = await session.account.list()
    uses = [use for entry in entries if entry.name == mailbox for use in special_uses(entry)]
    return [Annotation(metadata.SPECIAL_USE, " ".join(uses).encode())] if uses else []


def _options(line: Lexer) -> dict[bytes, int | None]:
    """Behind the parenthesis; each at most once."""
    options: dict[bytes, int | None] = {}
    while True:
        option = line.keyword()
        if option in options:
            raise Bad("an option is given twice")
        line.space()
        if option == b"MAXSIZE":
            options[option] = line.number()
        elif option == b"DEPTH":
            depth = line.keyword()
            if depth not in _DEPTHS:
                raise Bad("expected 0, 1 or infinity")
            options[option] = _DEPTHS[depth]
        else:
            raise Bad("unknown GETMETADATA option")
        if line.accept(b")"):
            return options
        line.space()


def _names(line: Lexer) -> list[str]:
    """Behind the parenthesis."""
    names = [metadata.name(line, scope=True)]
    while line.accept(b" "):
        names.append(metadata.name(line, scope=True))
        if len(names) > MOST_ENTRIES:
            raise Bad("too many entries")
    line.expect(b")")
    return names
