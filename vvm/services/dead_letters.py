# SPDX-License-Identifier: Apache-2.0
"""Notifications that never reached the phone: an operator sees them, and has them sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.services.paging import PAGE, Page, RowNumber, check_limit, page_of, place_of
from vvm.services.settings import NotificationSettings
from vvm.store.port import Hints, NotificationRecord, OutboxStore

log = structlog.get_logger(__name__)


class NoDeadLetter(Refusal):
    code = "no_dead_letter"

    def __init__(self) -> None:
        super().__init__("no dead letter has this number")


class DeadLetters:
    def __init__(
        self, outbox: OutboxStore, hints: Hints, *, clock: Clock, settings: NotificationSettings
    ) -> None:
        self._outbox = outbox
        self._hints = hints
        self._clock = clock
        self._life = timedelta(hours=settings.sync_hours)

    async def page(
        self,
        *,
        msisdn: Msisdn | None = None,
        cause: Cause | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[NotificationRecord]:
        """In the order in which they were owed; those to a number, of a cause, given up ``since`` then.

        Raises InvalidLimit, BadCursor.
        """
        check_limit(limit)
        after = place_of(cursor, RowNumber) or 0
        found = await self._outbox.dead_letters(
            after=after, limit=limit + 1, recipient=msisdn, cause=cause, since=since
        )
        return page_of(found, limit, lambda last: last.id)

    async def resend(self, number: int) -> None:
        """Owe one again; what it says is made anew when it is sent.  Raises NoDeadLetter."""
        now = self._clock.now()
        if not await self._outbox.resend(number, now=now, expires_at=now + self._life):
            raise NoDeadLetter
        self._hints.outbox()
        log.info("dead_letter_resent", row=number)
