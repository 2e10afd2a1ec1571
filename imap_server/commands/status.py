# SPDX-License-Identifier: Apache-2.0
"""STATUS (RFC 3501 section 6.3.10) with SIZE (RFC 8438) and HIGHESTMODSEQ (RFC 7162 section 3.1.2.2)."""

from __future__ import annotations

import enum

import msgspec

from imap_server.backend import MailboxStatus
from imap_server.errors import Bad, No
from imap_server.session import LOGGED_IN, Extension, Session
from imap_server.wire import encoder
from imap_server.wire.lexer import Lexer

NAME = b"STATUS"
STATES = LOGGED_IN
CAPABILITY = b"STATUS=SIZE"


class Item(enum.Enum):
    """A figure that can be asked for."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UID_NEXT = b"UIDNEXT"
    UID_VALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    SIZE = b"SIZE"
    HIGHEST_MODSEQ = b"HIGHESTMODSEQ"


class Status(msgspec.Struct, frozen=True):
    """A mailbox and the figures asked of it, in the client's order."""

    name: str
    items: tuple[Item, ...]


def parse(line: Lexer) -> Status:
    """The mailbox, then one item or more in parentheses."""
    line.space()
    name = line.mailbox()
    line.space()
    line.expect(b"(")
    items = [_item(line)]
    while line.accept(b" "):
        items.append(_item(line))
    line.expect(b")")
    line.end()
    return Status(name, tuple(items))


async def run(session: Session, command: Status) -> None:
    """The backend refuses mailboxes on which the profile allows no STATUS (row IMAP-12)."""
    if Item.HIGHEST_MODSEQ in command.items:
        session.enable(Extension.CONDSTORE)
    status = await session.account.status(command.name)
    if status is None:
        raise No("no such mailbox", code="NONEXISTENT")
    figures = b" ".join(b"%b %d" % (item.value, _figure(item, status)) for item in command.items)
    session.untagged(b"STATUS %b (%b)" % (encoder.mailbox(command.name), figures))
    session.ok("status given")


def _item(line: Lexer) -> Item:
    try:
        return Item(line.keyword())
    except ValueError as error:
        raise Bad("unknown STATUS item") from error


def _figure(item: Item, status: MailboxStatus) -> int:
    match item:
        case Item.MESSAGES:
            return status.messages
        case Item.RECENT:
            return 0
        case Item.UID_NEXT:
            return status.uid_next
        case Item.UID_VALIDITY:
            return status.uid_validity
        case Item.UNSEEN:
            return status.unseen
        case Item.SIZE:
            return status.size
        case Item.HIGHEST_MODSEQ:
            return status.highest_modseq
