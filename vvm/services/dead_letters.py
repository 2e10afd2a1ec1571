# SPDX-License-Identifier: Apache-2.0
"""Notifications that never reached the phone: an operator sees them, and has them sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.services.settings import NotificationSettings
from vvm.store.port import Hints, NotificationRecord, OutboxStore

log = structlog.get_logger(__name__)

PAGE_LIMIT = 1000


class NoDeadLetter(Refusal):
    code = "no_dead_letter"

    def __init__(self) -> None:
        super().__init__("no dead letter has this number")


class InvalidPage(Refusal):
    code = "invalid_limit"


class DeadLetters:
    def __init__(
        self, outbox: OutboxStore, hints: Hints, *, clock: Clock, settings: NotificationSettings
    ) -> None:
        self._outbox = outbox
        self._hints = hints
        self._clock = clock
        self._life = timedelta(hours=settings.sync_hours)

    async def page(self, *, after: int = 0, limit: int = 100) -> Sequence[NotificationRecord]:
        """By number, after the one given; at most PAGE_LIMIT of them.  Raises InvalidPage."""
        if not 1 <= limit <= PAGE_LIMIT:
            raise InvalidPage(f"limit must lie between 1 and {PAGE_LIMIT}")
        return await self._outbox.dead_letters(after=after, limit=limit)

    async def resend(self, number: int) -> None:
        """Owe one again; what it says is made anew when it is sent.  Raises NoDeadLetter."""
        now = self._clock.now()
        if not await self._outbox.resend(number, now=now, expires_at=now + self._life):
            raise NoDeadLetter
        self._hints.outbox()
        log.info("dead_letter_resent", row=number)
