# SPDX-License-Identifier: Apache-2.0
"""SEARCH keys and what they select (RFC 3501 section 6.4.4), as operations on sets of UIDs.

Keys differ in cost by orders of magnitude: flags and numbers are in the view, dates and headers
need a record, TEXT and BODY the message.  A conjunction therefore runs its cheap keys first and
hands the dear ones only what is left.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

import msgspec

from imap_server import searchable
from imap_server.backend import Mailbox, MessageRecord
from imap_server.view import View
from imap_server.wire.numbers import NumberSet


class Order(enum.Enum):
    """How a value must stand to the one in the key."""

    BEFORE = "<"
    ON = "="
    SINCE = ">="
    LARGER = ">"


class Everything(msgspec.Struct, frozen=True):
    """ALL."""


class Flagged(msgspec.Struct, frozen=True):
    """The message carries a flag (canonical spelling).

    ``\\\\Recent`` is never carried: this server does not follow which session saw a message first.
    """

    flag: str


class Numbered(msgspec.Struct, frozen=True):
    """The message's sequence number, or its UID, is in a set."""

    numbers: NumberSet
    by_uid: bool


class Arrived(msgspec.Struct, frozen=True):
    """The day of INTERNALDATE, in its own zone."""

    order: Order
    day: date


class Sent(msgspec.Struct, frozen=True):
    """The day in the Date field; a message without a readable one never matches."""

    order: Order
    day: date


class Sized(msgspec.Struct, frozen=True):
    """RFC822.SIZE is above (LARGER) or below (BEFORE) a number of octets."""

    order: Order
    octets: int


class Field(msgspec.Struct, frozen=True):
    """A header field (name in lower case) holds a text; the empty text asks for the field alone."""

    name: str
    text: str


class Holds(msgspec.Struct, frozen=True):
    """The text is in the body, or with ``header`` in the header or the body."""

    text: str
    header: bool


class Moved(msgspec.Struct, frozen=True):
    """The message's MODSEQ is at least this (RFC 7162 section 3.1.5)."""

    modseq: int


class Named(msgspec.Struct, frozen=True):
    """The message's EMAILID is this (RFC 8474 section 6)."""

    email_id: str


class Not(msgspec.Struct, frozen=True):
    """What the key does not select."""

    key: Key


class Either(msgspec.Struct, frozen=True):
    """What one key or the other selects."""

    first: Key
    second: Key


class Every(msgspec.Struct, frozen=True):
    """What all keys select."""

    keys: tuple[Key, ...]


Recorded = Arrived | Sent | Sized | Field | Holds | Named
"""What the view does not know."""
Key = Everything | Flagged | Numbered | Moved | Recorded | Not | Either | Every


class Search:
    """One search over one view; at most ``batch`` records are in memory at a time.

    ``breathe`` is awaited after each record: a search of many messages must not keep others waiting.
    """

    def __init__(
        self, view: View, mailbox: Mailbox, *, batch: int, breathe: Callable[[], Awaitable[None]]
    ) -> None:
        self._view = view
        self._mailbox = mailbox
        self._batch = batch
        self._breathe = breathe

    async def __call__(self, key: Key) -> list[int]:
        """The UIDs, ascending, that the key selects.  Raises Unavailable."""
        return await self._select(key, self._view.uids())

    async def _select(self, key: Key, among: list[int]) -> list[int]:
        """Those of ``among`` (ascending) that the key selects, ascending."""
        if not among:
            return []
        match key:
            case Everything():
                return among
            case Flagged(flag):
                return self._view.carrying(flag, among)
            case Numbered(chosen, by_uid):
                named = set(self._view.resolve(chosen, by_uid=by_uid))
                return [uid for uid in among if uid in named]
            case Moved(modseq):
                return self._view.changed_since(modseq - 1, among)
            case Not(inner):
                matching = set(await self._select(inner, among))
                return [uid for uid in among if uid not in matching]
            case Either(first, second):
                one = await self._select(first, among)
                matching = set(one)
                other = await self._select(second, [uid for uid in among if uid not in matching])
                return sorted(one + other)
            case Every(keys):
                for each in sorted(keys, key=_cost):
                    among = await self._select(each, among)
                return among
            case _:
                return await self._filter(among, self._test(key))

    async def _filter(self, among: list[int], test: Test) -> list[int]:
        chosen: list[int] = []
        for start in range(0, len(among), self._batch):
            records: Sequence[MessageRecord] = await self._mailbox.messages(
                among[start : start + self._batch]
            )
            for record in records:
                if await test(record):
                    chosen.append(record.uid)
                await self._breathe()
        return chosen

    def _test(self, key: Recorded) -> Test:
        async def test(record: MessageRecord) -> bool:
            match key:
                case Arrived(order, day):
                    return _stands(record.internal_date.date(), order, day)
                case Sent(order, day):
                    sent = searchable.sent_day(record.header)
                    return sent is not None and _stands(sent, order, day)
                case Sized(order, octets):
                    return record.size > octets if order is Order.LARGER else record.size < octets
                case Field(name, text):
                    return searchable.field_holds(record.header, name, text)
                case Named(email_id):
                    return record.email_id == email_id
                case Holds(text, header):
                    return await self._holds(record, text, header=header)

        return test

    async def _holds(self, record: MessageRecord, text: str, *, header: bool) -> bool:
        if header and searchable.header_holds(record.header, text):
            return True
        octets = await self._mailbox.read(record.uid)
        return octets is not None and searchable.body_holds(octets, record.parts, text)


Test = Callable[[MessageRecord], Awaitable[bool]]


def _stands(day: date, order: Order, other: date) -> bool:
    if order is Order.BEFORE:
        return day < other
    return day == other if order is Order.ON else day >= other


def _cost(key: Key) -> int:
    """0: the view knows; 1: a record is read; 2: the message is read."""
    match key:
        case Everything() | Flagged() | Numbered() | Moved():
            return 0
        case Arrived() | Sent() | Sized() | Field() | Named():
            return 1
        case Holds():
            return 2
        case Not(inner):
            return _cost(inner)
        case Either(first, second):
            return max(_cost(first), _cost(second))
        case Every(keys):
            return max(map(_cost, keys), default=0)
