# SPDX-License-Identifier: Apache-2.0
"""Lists with filters in PostgreSQL, which knows from its statistics what to look up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

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
from vvm.store.postgres.engine import Database, Statement, numbered
from vvm.store.sql import named_statements

_SQL = named_statements("vvm.store.postgres.queries", "lists.sql")


class PostgresLists:
    """vvm.store.lists.ListStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscribers(
        self, wanted: SubscriberFilter, *, after: SubscriberPlace | None, limit: int
    ) -> Sequence[Subscriber]:
        found = await self._rows(conditions.of_subscribers(wanted, after, limit))
        return [rows.subscriber(row) for row in found]

    async def audit(
        self, wanted: AuditFilter, *, after: AuditPlace | None, limit: int
    ) -> Sequence[AuditRecord]:
        found = await self._rows(conditions.of_audit(wanted, after, limit))
        return [rows.audit_record(row) for row in found]

    async def messages(
        self, mailbox: MailboxId, wanted: MessageFilter, *, after: int, limit: int
    ) -> Sequence[MessageRecord]:
        found = await self._rows(conditions.of_messages(mailbox, wanted, after, limit))
        return [rows.message_record(row) for row in found]

    async def _rows(self, listing: Listing) -> Sequence[Any]:
        asked = statement(listing.head, listing.looked_up + listing.compared, listing.order)
        return await self._database.all(asked, listing.values)


@cache
def statement(head: str, names: tuple[str, ...], order: str) -> Statement:
    """A list as SQL: as many as there are combinations of filters."""
    asked = ["WHERE", " AND ".join(_SQL[name] for name in names)] if names else []
    return numbered(" ".join([_SQL[head], *asked, _SQL[order]]))
