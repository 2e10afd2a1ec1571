# SPDX-License-Identifier: Apache-2.0
"""Lists with filters in SQLite."""

from __future__ import annotations

from collections.abc import Sequence

from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store import conditions, rows
from vvm.store.conditions import Listing
from vvm.store.port import (
    AuditFilter,
    AuditPlace,
    AuditRecord,
    MessageFilter,
    MessageRecord,
    SubscriberFilter,
    SubscriberPlace,
)
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Row

_SQL = named_statements("vvm.store.sqlite.queries", "lists.sql")


class SqliteLists:
    """vvm.store.lists.ListStore."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def subscribers(
        self, wanted: SubscriberFilter, *, after: SubscriberPlace | None, limit: int
    ) -> Sequence[Subscriber]:
        return [rows.subscriber(row) for row in self._rows(conditions.of_subscribers(wanted, after, limit))]

    async def audit(
        self, wanted: AuditFilter, *, after: AuditPlace | None, limit: int
    ) -> Sequence[AuditRecord]:
        return [rows.audit_record(row) for row in self._rows(conditions.of_audit(wanted, after, limit))]

    async def messages(
        self, mailbox: MailboxId, wanted: MessageFilter, *, after: int, limit: int
    ) -> Sequence[MessageRecord]:
        listing = conditions.of_messages(mailbox, wanted, after, limit)
        return [rows.message_record(row) for row in self._rows(listing)]

    def _rows(self, listing: Listing) -> Sequence[Row]:
        return self._reader.all(statement(listing), listing.values)


def statement(listing: Listing) -> str:
    """A list as SQL.

    Without statistics SQLite takes whichever index it meets first.  A plus sign before a column keeps it from
    that column's index, so that it takes the one that was chosen.
    """
    where = [_SQL[name] for name in listing.looked_up] + [f"+{_SQL[name]}" for name in listing.compared]
    asked = ["WHERE", " AND ".join(where)] if where else []
    return " ".join([_SQL[listing.head], *asked, _SQL[listing.order]])
