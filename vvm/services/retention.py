# SPDX-License-Identifier: Apache-2.0
"""What was done or deleted is forgotten after a time; what is owed never is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from vvm.domain.clock import Clock
from vvm.services.lifecycle import Lifecycle
from vvm.services.settings import NotificationSettings, RetentionSettings
from vvm.store.port import (
    HistoryStore,
    InboundStore,
    NumberStore,
    OutboxStore,
    RecoveryStore,
    RepeatStore,
    VisitStore,
)

log = structlog.get_logger(__name__)

_BATCH = 500
"""Rows a transaction: a deposit that waits behind one waits milliseconds."""


class _Forget(Protocol):
    def __call__(self, *, before: datetime, limit: int) -> Awaitable[int]: ...


class RetentionMetrics(Protocol):
    def forgotten(self, what: str, rows: int) -> None:
        """Hears of each batch; ``what`` is one of ``KINDS``."""
        ...


class NoRetentionMetrics:
    """Nobody listens."""

    def forgotten(self, what: str, rows: int) -> None:
        pass


KINDS = (
    "notifications",
    "client_sms",
    "visits",
    "changes",
    "deposit_keys",
    "audit",
    "deleted_messages",
    "closed_subscribers",
    "quarantines",
    "answers",
)


class Retention:
    """Removes, oldest first, what is older than its time.

    Closed notifications, settled SMS of handsets and visits of clients (``notification.keep_days``),
    journals of mailboxes, keys of deposits and the audit (``[retention]``), kept answers of the API
    (``http.idempotency_hours``), and for ever what was deleted.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        inbound: InboundStore,
        visits: VisitStore,
        recovery: RecoveryStore,
        history: HistoryStore,
        *,
        numbers: NumberStore,
        repeats: RepeatStore,
        lifecycle: Lifecycle,
        clock: Clock,
        settings: NotificationSettings,
        history_settings: RetentionSettings,
    ) -> None:
        self._outbox = outbox
        self._inbound = inbound
        self._visits = visits
        self._recovery = recovery
        self._history = history
        self._repeats = repeats
        self._numbers = numbers
        self._lifecycle = lifecycle
        self._clock = clock
        self._settings = settings
        self._history_settings = history_settings

    async def __call__(self, metrics: RetentionMetrics | None = None) -> int:
        """Forget everything that is old enough; answers how many rows that were."""
        metrics = metrics or NoRetentionMetrics()
        now, gone = self._clock.now(), {}
        for what, days, forget in self._rules():
            gone[what] = 0
            async for rows in _batches(forget, before=now - timedelta(days=days)):
                metrics.forgotten(what, rows)
                gone[what] += rows
        if any(gone.values()):
            log.info("history_forgotten", **gone)
        return sum(gone.values())

    def _rules(self) -> Iterator[tuple[str, int, _Forget]]:
        """What, after how many days, and by what."""
        days, history = self._settings.keep_days, self._history_settings
        yield "notifications", days, self._outbox.forget
        yield "client_sms", days, self._inbound.forget
        yield "visits", days, self._visits.forget
        yield "changes", history.journal_days, self._history.forget_changes
        yield "deposit_keys", history.deposit_key_days, self._history.forget_deposit_keys
        if history.audit_days:
            yield "audit", history.audit_days, self._history.forget_audit
        yield "deleted_messages", 0, self._purge
        yield "closed_subscribers", 0, self._lifecycle.remove_closed
        yield "quarantines", 0, self._end_quarantines
        yield "answers", 0, self._repeats.forget

    async def _purge(self, *, before: datetime, limit: int) -> int:
        """Each has an end of its own."""
        return await self._recovery.purge(now=before, limit=limit)

    async def _end_quarantines(self, *, before: datetime, limit: int) -> int:
        return await self._numbers.end_quarantines(now=before, limit=limit)


async def _batches(forget: _Forget, *, before: datetime) -> AsyncIterator[int]:
    """Rows of each batch until one is not full; others have their turn between them."""
    while gone := await forget(before=before, limit=_BATCH):
        yield gone
        if gone < _BATCH:
            break
