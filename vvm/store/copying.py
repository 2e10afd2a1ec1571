# SPDX-License-Identifier: Apache-2.0
"""How a store becomes another one, row by row, whatever engines the two have.

Every table is read in the order of its key from both sides, and what differs is written: the first
time that is everything, later what has changed meanwhile, in the end nothing.  So a copy that was
killed goes on where it was, and that two stores are the same is what the last pass has found.

A row is a tuple with the columns of its ``Table``, with numbers for booleans; engines translate at
their edge what they keep otherwise (``queries/copy.sql``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec

from vvm.store.handover import Handover

Row = tuple[Any, ...]
Key = tuple[Any, ...]


class Table(msgspec.Struct, frozen=True):
    name: str
    key: tuple[str, ...]
    """Orders the rows; text by its octets."""
    rest: tuple[str, ...] = ()
    heavy: tuple[str, ...] = ()
    """These never change under their key, and are read only where a row is new."""

    @property
    def by_mailbox(self) -> bool:
        """The key begins with the mailbox that a row belongs to."""
        return self.name == "mailbox" or self.key[0] == "mailbox_id"

    @property
    def light(self) -> tuple[str, ...]:
        return (*self.key, *self.rest)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.light, *self.heavy)


def _table(name: str, key: str, rest: str = "", heavy: str = "") -> Table:
    return Table(name, tuple(key.split()), tuple(rest.split()), tuple(heavy.split()))


TABLES = (
    _table("cos", "name", "limits changed_at"),
    _table("token", "name", "role digest scopes rate created_at expires_at"),
    _table("mailbox", "id", "status msisdn cos held next_folder uid_validity"),
    _table(
        "subscriber",
        "id",
        "mailbox_id msisdn status client language setup_done max_messages imap_user password_check"
        " password_sealed created_at changed_at pin_check pin_tries pin_locked_until previous_check"
        " previous_until unanswered_syncs fallback cos held closing_at closed_from"
        " expiry_told",
    ),
    _table("alias", "subscriber_id msisdn"),
    _table("old_number", "msisdn", "subscriber_id until"),
    _table(
        "device",
        "id",
        "subscriber_id login name profile password_check password_sealed created_at last_used_at",
    ),
    _table("device_code", "subscriber_id", "code_check code_sealed expires_at tries"),
    _table("visit", "subscriber_id id", "device_id act detail first_at last_at count"),
    _table("audit", "msisdn id", "at trigger before after reason actor"),
    _table(
        "folder",
        "mailbox_id id",
        "name uid_validity uid_next highest_modseq messages unseen octets max_messages special_use keywords"
        " journal_from",
    ),
    _table("subscription", "mailbox_id name"),
    _table("annotation", "mailbox_id folder_id entry", "name value"),
    _table(
        "message",
        "mailbox_id folder_id uid",
        "modseq flags kind caller received_at utc_offset seconds size content_id keywords original_id"
        " original_size identity",
    ),
    _table(
        "deleted_message",
        "mailbox_id id",
        "folder greeting uid flags kind caller received_at utc_offset seconds size content_id keywords"
        " original_id original_size identity deleted_at purge_at",
    ),
    _table("content", "mailbox_id id", "blob blob_size", "layout octets"),
    _table("mailbox_key", "mailbox_id", "wrapped"),
    _table("shared_content", "mailbox_id content_id", "messages"),
    _table("deposit_key", "mailbox_id key", "uid at"),
    _table("journal", "mailbox_id folder_id modseq uid", "change at"),
    _table(
        "outbox",
        "recipient id",
        "subscriber_id family cause uid return_code state owed_at due_at expires_at attempts leased taken_at"
        " held gated_until smpp_status settled_at holder carrier smsc to_client fetched_at accepted_at"
        " segments",
    ),
    _table("inbound", "id", "originator destination text received_at settled"),
    _table("inbound_key", "key", "received_at"),
    _table("inbound_last", "originator", "key received_at"),
    _table("inbound_segment", "key segment", "octets expires_at"),
    _table("kept_request", "key", "request answer busy_until expires_at"),
    _table("webhook", "id", "url kinds secret_sealed cursor created_at paused failures due_at"),
    _table("parked_event", "id", "webhook_id msisdn event attempts due_at error"),
    _table("loose_blob", "key", "since condemned deleted"),
    _table("event", "id", "at msisdn kind detail"),
)
"""Who is referred to before who refers; what triggers write last."""

COUNTED = (
    "subscriber",
    "mailbox",
    "device",
    "deleted_message",
    "visit",
    "audit",
    "outbox",
    "inbound",
    "event",
    "webhook",
    "parked_event",
)
"""Tables whose ids are never used twice: the number of the last one given goes along."""


class Side(Protocol):
    """One of the two stores.  Every method may raise Outage."""

    place: str
    """Its URL without secrets."""

    def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """The light columns of every row, by key, some at a time; all as of one instant."""
        ...

    async def whole(self, table: Table, keys: Sequence[Key]) -> Sequence[Row]:
        """All columns of those that are there."""
        ...

    async def replace(self, table: Table, gone: Sequence[Key], new: Sequence[Row]) -> None:
        """Remove, then add, in one transaction.  Of the two sides only the target is written."""
        ...

    async def last_ids(self) -> Mapping[str, int]:
        """By table of ``COUNTED``."""
        ...

    async def finish(self, last_ids: Mapping[str, int]) -> None:
        """Make what follows from the rows: names, and ids that go on behind the last."""
        ...

    def frozen(self) -> AbstractAsyncContextManager[None]:
        """Nobody else writes within; who tries waits, and fails when it takes too long."""
        ...

    async def seal(self, place: str) -> None:
        """Within ``frozen``, and committed with it: nobody ever writes here again.

        Programs that serve from this store learn of it and end; none starts.  ``place`` is where
        the store is now.
        """
        ...

    async def unseal(self) -> None:
        """Be a store like any other, whatever was marked before."""
        ...

    async def handover(self) -> Handover | None:
        """The mark, if there is one."""
        ...

    async def mark_target(self, place: str) -> None:
        """No program may serve from here before the copy of ``place`` is whole."""
        ...


Report = Callable[[str, int, int], None]
"""Hears of a table, how many rows of it were compared, and how many of them differed."""


Differing = Callable[[Table, Key], None]
"""Hears of every row that differed."""


class Difference(msgspec.Struct):
    """What a pass over one table found."""

    compared: int = 0
    differed: int = 0


async def synchronise(
    table: Table, source: Side, target: Side, *, batch: int, report: Report, differing: Differing
) -> Difference:
    """Make a table of the target what it is in the source."""
    found = Difference()
    gone: list[Key] = []
    new: list[Row] = []
    width = len(table.key)

    async def flush() -> None:
        differed = {row[:width] for row in new} | set(gone)
        found.differed += len(differed)
        for key in differed:
            differing(table, key)
        if differed:
            keys = [*gone, *(row[:width] for row in new)]
            if new and table.heavy:
                rows = await source.whole(table, [row[:width] for row in new])
            else:
                rows = list(new)
            await target.replace(table, keys, rows)
        gone.clear()
        new.clear()
        report(table.name, found.compared, found.differed)

    async for row, other in _side_by_side(source.rows(table), target.rows(table), width):
        if row != other:
            if row is None and other is not None:
                gone.append(other[:width])
            elif row is not None:
                new.append(row)
        found.compared += 1
        if len(gone) + len(new) >= batch or found.compared % 10_000 == 0:
            await flush()
    await flush()
    return found


async def _side_by_side(
    left: AsyncIterator[Sequence[Row]], right: AsyncIterator[Sequence[Row]], width: int
) -> AsyncIterator[tuple[Row | None, Row | None]]:
    """Rows of the same key together; None where one side lacks it."""
    one, two = _singly(left), _singly(right)
    row, other = await anext(one, None), await anext(two, None)
    while row is not None or other is not None:
        if other is None or (row is not None and row[:width] < other[:width]):
            yield row, None
            row = await anext(one, None)
        elif row is None or other[:width] < row[:width]:
            yield None, other
            other = await anext(two, None)
        else:
            yield row, other
            row, other = await anext(one, None), await anext(two, None)


async def _singly(batches: AsyncIterator[Sequence[Row]]) -> AsyncIterator[Row]:
    async for batch in batches:
        for row in batch:
            yield row
