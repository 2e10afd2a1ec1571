# SPDX-License-Identifier: Apache-2.0
"""Stores with as many mailboxes as a carrier has, in minutes.

One subscriber is made by the store itself; its rows are multiplied through the port by which one
store becomes another (vvm.store.copying), so that whatever the schema has the copies have too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from itertools import islice

import msgspec

from vvm.config.sections import StoreSettings
from vvm.domain.message import INBOX, Kind
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, MailboxId, ProvisioningStatus, Subscriber, SubscriberId
from vvm.runtime.stores import open_store
from vvm.services.credentials import Keyring
from vvm.store.copying import TABLES, Row, Side, Table
from vvm.store.port import Layout, NewMessage, NewSubscriber, Store
from vvm.store.postgres.copy import postgres_side
from vvm.store.sqlite.copy import SqliteSide

_BATCH = 20_000
"""Rows a transaction."""
_AT_ONCE = 64
_MULTIPLIED = ("mailbox", "subscriber", "folder", "content", "message", "journal")
_LAYOUT = Layout(b"h" * 400, b"e" * 200, b"b" * 200, b"s" * 300, ())
"""About what a message of Asterisk's has."""


class Account(msgspec.Struct, frozen=True):
    user: str
    password: str


class Crowd(msgspec.Struct, frozen=True):
    """Subscribers whose numbers and ids stand behind each other."""

    first: int
    count: int
    subscriber: int
    """Id of the first."""
    mailbox: int
    """The same."""
    messages: int
    """In each INBOX, with the UIDs from 1 on."""
    accounts: tuple[Account, ...]
    """Of the first ones."""

    def mailbox_of(self, place: int) -> MailboxId:
        return MailboxId(self.mailbox + place)

    def subscriber_of(self, place: int) -> SubscriberId:
        return SubscriberId(self.subscriber + place)

    def msisdn_of(self, place: int) -> Msisdn:
        return Msisdn(f"+336{self.first + place:08}")

    def user_of(self, place: int) -> str:
        return f"{self.first + place}@vvm.example.net"


def new_message(octets: int) -> NewMessage:
    return NewMessage(
        kind=Kind.VOICE,
        caller="+33698765432",
        received_at=datetime.now(UTC),
        seconds=20,
        octets=os.urandom(octets),
        layout=_LAYOUT,
    )


async def fill(
    settings: StoreSettings,
    keyring: Keyring,
    *,
    first: int = 0,
    count: int,
    messages: int,
    octets: int,
    accounts: int = 0,
) -> Crowd:
    """Add a crowd to a store that nobody serves from; ``accounts`` of them have a password of their own."""
    crowd = Crowd(first, count, 0, 0, messages, ())
    async with open_store(settings) as store:
        subscriber = await _first(store, crowd, octets)
    crowd = msgspec.structs.replace(crowd, subscriber=subscriber.id, mailbox=subscriber.mailbox)
    copies = _Copies(crowd, keyring, accounts)
    async with _side(settings) as side:
        await side.mark_target("script/bench")
        for table in TABLES:
            if table.name in _MULTIPLIED:
                rows = await _rows(side, table, crowd)
                await _replace(side, table, rows, copies.of(table, rows))
        last = {"subscriber": crowd.subscriber + count - 1, "mailbox": crowd.mailbox + count - 1}
        await side.finish(last)
        await side.unseal()
    return msgspec.structs.replace(crowd, accounts=tuple(copies.accounts))


async def _first(store: Store, crowd: Crowd, octets: int) -> Subscriber:
    subscriber = await store.subscribers.create(
        NewSubscriber(
            msisdn=crowd.msisdn_of(0),
            status=ProvisioningStatus.READY,
            client=ClientProfile(),
            language="eng",
            setup_done=True,
            max_messages=1_000_000,
            imap_user=crowd.user_of(0),
            password_check=b"",
            password_sealed=b"",
            created_at=datetime.now(UTC),
        )
    )
    mine = new_message(octets)

    async def deposit(count: int) -> None:
        for _ in range(count):
            await store.mailboxes.append(subscriber.mailbox, INBOX, mine)

    async with asyncio.TaskGroup() as group:
        for lane in range(_AT_ONCE):
            group.create_task(deposit(len(range(lane, crowd.messages, _AT_ONCE))))
    return subscriber


class _Copies:
    """Rows of the first subscriber become those of the others."""

    def __init__(self, crowd: Crowd, keyring: Keyring, accounts: int) -> None:
        self._crowd = crowd
        self._keyring = keyring
        self._known = max(1, accounts)  # by the first one a program knows its master key
        self.accounts: list[Account] = []

    def of(self, table: Table, rows: Sequence[Row]) -> Iterator[Row]:
        """The first one's own among them, because of its password."""
        for place in range(self._crowd.count):
            for row in rows:
                named = dict(zip(table.columns, row, strict=True))
                yield tuple({**named, **self._changed(table.name, named, place)}.values())

    def _changed(self, table: str, row: dict[str, object], place: int) -> dict[str, object]:
        crowd = self._crowd
        mailbox: dict[str, object] = {"mailbox_id": crowd.mailbox_of(place)}
        match table:
            case "mailbox":
                return {"id": crowd.mailbox_of(place), "msisdn": crowd.msisdn_of(place)}
            case "subscriber":
                own = {"id": crowd.subscriber_of(place), "msisdn": crowd.msisdn_of(place)}
                return mailbox | own | self._login(crowd.user_of(place), place)
            case "content":
                return mailbox | {"id": self._content(row["id"], place)}
            case "message":
                return mailbox | {"content_id": self._content(row["content_id"], place)}
            case _:
                return mailbox

    def _content(self, first: object, place: int) -> int:
        """Those of one subscriber were given one after another, and were the last."""
        assert isinstance(first, int)
        return first + place * self._crowd.messages

    def _login(self, user: str, place: int) -> dict[str, object]:
        if place >= self._known:
            return {"imap_user": user}
        minted = self._keyring.mint(user)
        self.accounts.append(Account(user, self._keyring.open(user, minted.sealed).reveal()))
        return {"imap_user": user, "password_check": minted.check, "password_sealed": minted.sealed}


async def _rows(side: Side, table: Table, crowd: Crowd) -> Sequence[Row]:
    """Of the first subscriber, with all columns."""
    owner = "id" if table.name in {"mailbox", "subscriber"} else "mailbox_id"
    wanted = crowd.subscriber if table.name == "subscriber" else crowd.mailbox
    at = table.light.index(owner)
    rows = [row async for some in side.rows(table) for row in some if row[at] == wanted]
    return await side.whole(table, _keys(table, rows)) if table.heavy else rows


def _keys(table: Table, rows: Sequence[Row]) -> list[Row]:
    return [row[: len(table.key)] for row in rows]


async def _replace(side: Side, table: Table, first: Sequence[Row], rows: Iterator[Row]) -> None:
    """The first one's rows are among the new ones."""
    gone = _keys(table, first)
    while some := list(islice(rows, _BATCH)):
        await side.replace(table, gone, some)
        gone = []


@asynccontextmanager
async def _side(settings: StoreSettings) -> AsyncIterator[Side]:
    if settings.path is not None:
        with closing(SqliteSide(settings.path, "script/bench")) as side:
            yield side
    else:
        async with postgres_side(
            settings.url, settings.postgres, place="script/bench", source=False
        ) as server:
            yield server
