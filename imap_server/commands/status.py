# SPDX-License-Identifier: Apache-2.0
"""STATUS (RFC 3501 section 6.3.10, RFC 9051 section 6.3.11).

SIZE is RFC 8438, HIGHESTMODSEQ RFC 7162 section 3.1.7.
"""

from __future__ import annotations

import enum

import msgspec

from imap_server import flags
from imap_server.backend import MailboxStatus
from imap_server.errors import Bad, No
from imap_server.session import LOGGED_IN, Extension, Session
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
    DELETED = b"DELETED"


class Status(msgspec.Struct, frozen=True):
    """A mailbox and the figures asked of it, in the client's order."""

    name: str
    items: tuple[Item, ...]


def parse(line: Lexer) -> Status:
    """The mailbox, then one item or more in parentheses."""
    line.space()
    name = line.mailbox()
    line.space()
    chosen = items(line)
    line.end()
    return Status(name, chosen)


def items(line: Lexer) -> tuple[Item, ...]:
    """The parenthesised items, here and in LIST (RFC 5819)."""
    line.expect(b"(")
    chosen = [_item(line)]
    while line.accept(b" "):
        chosen.append(_item(line))
    line.expect(b")")
    return tuple(chosen)


async def run(session: Session, command: Status) -> None:
    """The backend refuses mailboxes on which the profile allows no STATUS (row IMAP-12)."""
    if not await report(session, command):
        raise No("no such mailbox", code="NONEXISTENT")
    session.ok("status given")


async def report(session: Session, command: Status) -> bool:
    """Tell the figures; false when there is no such mailbox.  Raises NotAllowed."""
    if Item.HIGHEST_MODSEQ in command.items:
        session.enable(Extension.CONDSTORE)
    status = await session.account.status(command.name)
    if status is None:
        return False
    deleted = await _count_deleted(session, command.name) if Item.DELETED in command.items else 0
    figures = b" ".join(b"%b %d" % (item.value, _figure(item, status, deleted)) for item in command.items)
    session.untagged(b"STATUS %b (%b)" % (session.mailbox_name(command.name), figures))
    return True


async def _count_deleted(session: Session, name: str) -> int:
    """Rarely asked for, so no store keeps the count."""
    mailbox = await session.account.select(name)
    if mailbox is None:
        raise No("no such mailbox", code="NONEXISTENT")
    snapshot = await mailbox.snapshot()
    return sum(flags.DELETED in message.flags for message in snapshot.messages.states.values())


def _item(line: Lexer) -> Item:
    try:
        return Item(line.keyword())
    except ValueError as error:
        raise Bad("unknown STATUS item") from error


def _figure(item: Item, status: MailboxStatus, deleted: int) -> int:
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
        case Item.DELETED:
            return deleted
