# SPDX-License-Identifier: Apache-2.0
"""STATUS (RFC 3501 section 6.3.10, RFC 9051 section 6.3.11).

SIZE is RFC 8438, HIGHESTMODSEQ RFC 7162 section 3.1.7, MAILBOXID RFC 8474, DELETED and
DELETED-STORAGE RFC 9208 section 4.1.4, APPENDLIMIT RFC 7889.
"""

from __future__ import annotations

import enum

import msgspec

from imap_server import flags, object_ids
from imap_server.abilities import Appending
from imap_server.backend import MailboxStatus
from imap_server.errors import Bad, No
from imap_server.session import LOGGED_IN, Extension, Session
from imap_server.wire.lexer import Lexer

NAME = b"STATUS"
STATES = LOGGED_IN
CAPABILITY = b"OBJECTID STATUS=SIZE"


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
    DELETED_STORAGE = b"DELETED-STORAGE"
    MAILBOX_ID = b"MAILBOXID"
    APPEND_LIMIT = b"APPENDLIMIT"


_ABOUT_DELETED = frozenset({Item.DELETED, Item.DELETED_STORAGE})


class Deleted(msgspec.Struct, frozen=True):
    """What an EXPUNGE would remove, in messages and octets."""

    messages: int = 0
    octets: int = 0


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
    deleted = Deleted()
    if not _ABOUT_DELETED.isdisjoint(command.items):
        deleted = await _count_deleted(session, command.name)
    limit = _append_limit(session, status)
    figures = b" ".join(
        b"%b %b" % (item.value, _figure(item, status, deleted, limit)) for item in command.items
    )
    session.untagged(b"STATUS %b (%b)" % (session.mailbox_name(command.name), figures))
    return True


async def _count_deleted(session: Session, name: str) -> Deleted:
    """Rarely asked for, so no store keeps the count."""
    mailbox = await session.account.select(name)
    if mailbox is None:
        raise No("no such mailbox", code="NONEXISTENT")
    states = (await mailbox.snapshot()).messages.states.values()
    uids = sorted(state.uid for state in states if flags.DELETED in state.flags)
    octets = 0
    for start in range(0, len(uids), session.settings.fetch_batch_messages):
        batch = uids[start : start + session.settings.fetch_batch_messages]
        octets += sum(record.size for record in await mailbox.messages(batch))
        await session.link.breathe()
    return Deleted(len(uids), octets)


def _item(line: Lexer) -> Item:
    try:
        return Item(line.keyword())
    except ValueError as error:
        raise Bad("unknown STATUS item") from error


def _append_limit(session: Session, status: MailboxStatus) -> int:
    """The server's limit holds for every mailbox; a backend may have a lower one."""
    if not isinstance(session.account, Appending):
        return 0
    most = session.settings.max_append_bytes
    return most if status.append_limit is None else min(most, status.append_limit)


def _figure(item: Item, status: MailboxStatus, deleted: Deleted, append_limit: int) -> bytes:
    if item is Item.MAILBOX_ID:
        return f"({object_ids.mailbox_id(status)})".encode()
    if item is Item.APPEND_LIMIT:
        return b"%d" % append_limit
    return b"%d" % _number(item, status, deleted)


def _number(item: Item, status: MailboxStatus, deleted: Deleted) -> int:
    return {
        Item.MESSAGES: status.messages,
        Item.RECENT: 0,
        Item.UID_NEXT: status.uid_next,
        Item.UID_VALIDITY: status.uid_validity,
        Item.UNSEEN: status.unseen,
        Item.SIZE: status.size,
        Item.HIGHEST_MODSEQ: status.highest_modseq,
        Item.DELETED: deleted.messages,
        Item.DELETED_STORAGE: deleted.octets,
    }[item]
