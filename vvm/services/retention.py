# SPDX-License-Identifier: Apache-2.0
"""What was sent, what came in and what was deleted is forgotten after a time; what is owed never is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.services.settings import NotificationSettings
from vvm.store.port import InboundStore, OutboxStore, RecoveryStore, VisitStore

log = structlog.get_logger(__name__)

_BATCH = 500
"""Rows a transaction: a deposit that waits behind one waits milliseconds."""


class Retention:
    """Removes closed notifications, settled SMS of handsets, visits, and for ever what was deleted."""

    def __init__(
        self,
        outbox: OutboxStore,
        inbound: InboundStore,
        visits: VisitStore,
        recovery: RecoveryStore,
        *,
        clock: Clock,
        settings: NotificationSettings,
    ) -> None:
        self._outbox = outbox
        self._inbound = inbound
        self._visits = visits
        self._recovery = recovery
        self._clock = clock
        self._keep = timedelta(days=settings.keep_days)

    async def __call__(self) -> int:
        """Forget everything that is old enough; answers how many rows that were."""
        now = self._clock.now()
        before = now - self._keep
        notifications = await _all(lambda: self._outbox.forget(before=before, limit=_BATCH))
        sms = await _all(lambda: self._inbound.forget(before=before, limit=_BATCH))
        visits = await _all(lambda: self._visits.forget(before=before, limit=_BATCH))
        if notifications or sms or visits:
            log.info("history_forgotten", notifications=notifications, client_sms=sms, visits=visits)
        purged = await _all(lambda: self._recovery.purge(now=now, limit=_BATCH))
        if purged:
            log.info("deleted_messages_purged", count=purged)
        return notifications + sms + visits + purged


async def _all(forget: Callable[[], Awaitable[int]]) -> int:
    """Batch by batch until one is not full, so that others have their turn between them."""
    total = 0
    while gone := await forget():
        total += gone
        if gone < _BATCH:
            break
    return total
