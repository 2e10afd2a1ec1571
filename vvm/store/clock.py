# SPDX-License-Identifier: Apache-2.0
"""One clock for all who share a store: what is due, leased or expired is not judged by each node's own.

The store is asked from time to time; in between counts what has passed here.  So a node whose clock is
wrong, or is set, does what the others do (ADR 0017).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

_LONGEST_SECONDS = 1.0
"""An answer that took longer says too little about the present."""
_WRONG = timedelta(seconds=1)
"""What an operator is told of."""


class Timekeeper(Protocol):
    """The part of a store that is asked."""

    async def time(self) -> datetime | None: ...


def _passed() -> float:
    """Seconds, those included in which the machine slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class StoreClock:
    """vvm.domain.clock.Clock.  Before the first ``look``, and for a store of one machine, that machine's."""

    def __init__(self, store: Timekeeper, passed: Callable[[], float] = _passed) -> None:
        self._store = store
        self._passed = passed
        self._said: datetime | None = None
        self._at = 0.0
        """When it was so late, as ``passed`` counts."""

    def now(self) -> datetime:
        if self._said is None:
            return datetime.now(UTC)
        return self._said + timedelta(seconds=self._passed() - self._at)

    async def look(self) -> None:
        """Ask the store.  Raises Outage."""
        asked = self._passed()
        said = await self._store.time()
        answered = self._passed()
        if said is None or (self._said is not None and answered - asked > _LONGEST_SECONDS):
            return
        first = self._said is None
        self._said, self._at = said, (asked + answered) / 2
        off = datetime.now(UTC) - self.now()
        if first and abs(off) > _WRONG:
            log.warning("clock_differs_from_store", seconds=round(off.total_seconds(), 1))
