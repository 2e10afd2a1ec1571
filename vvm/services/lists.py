# SPDX-License-Identifier: Apache-2.0
"""Operators look through subscribers, the audit and messages: filters, in pages."""

from __future__ import annotations

from vvm.domain.errors import UnknownSubscriber
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.services.paging import PAGE, Page, RowNumber, check_limit, page_of, place_of
from vvm.store.port import (
    Audited,
    AuditFilter,
    AuditPlace,
    ListStore,
    MessageFilter,
    MessageRecord,
    SubscriberFilter,
    SubscriberPlace,
    SubscriberStore,
)


class Lists:
    """Every method raises InvalidLimit and BadCursor."""

    def __init__(self, lists: ListStore, subscribers: SubscriberStore) -> None:
        self._lists = lists
        self._subscribers = subscribers

    async def subscribers(
        self, wanted: SubscriberFilter, *, cursor: str | None = None, limit: int = PAGE
    ) -> Page[Subscriber]:
        """By number; with ``changed_since`` the oldest change first."""
        check_limit(limit)
        after = place_of(cursor, SubscriberPlace)
        found = await self._lists.subscribers(wanted, after=after, limit=limit + 1)
        return page_of(found, limit, lambda last: SubscriberPlace(last.msisdn, last.changed_at))

    async def audit(
        self, wanted: AuditFilter, *, cursor: str | None = None, limit: int = PAGE
    ) -> Page[Audited]:
        """The newest first, also of numbers that are gone."""
        check_limit(limit)
        found = await self._lists.audit(wanted, after=place_of(cursor, AuditPlace), limit=limit + 1)
        page = page_of(found, limit, lambda last: AuditPlace(last.entry.at, last.id))
        return Page(tuple(record.entry for record in page.items), page.next)

    async def messages(
        self, msisdn: Msisdn, wanted: MessageFilter, *, cursor: str | None = None, limit: int = PAGE
    ) -> Page[MessageRecord]:
        """By UID; nothing of it counts as heard.  Raises UnknownSubscriber."""
        check_limit(limit)
        after = place_of(cursor, RowNumber) or 0
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        found = await self._lists.messages(subscriber.mailbox, wanted, after=after, limit=limit + 1)
        return page_of(found, limit, lambda last: last.uid)
