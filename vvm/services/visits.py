# SPDX-License-Identifier: Apache-2.0
"""Writes down what clients do, without making any of them wait.

Acts of one kind within a few seconds are one visit.  What was not written yet when the process is killed
is lost: it is there for people who look for a cause, and nothing depends on it.
"""

from __future__ import annotations

import structlog

from vvm.domain.clock import Clock
from vvm.domain.device import DeviceId
from vvm.domain.subscriber import SubscriberId
from vvm.domain.visit import Act, Visit
from vvm.store.port import VisitStore

log = structlog.get_logger(__name__)

KEEP = 200
"""The newest visits of a subscriber that are kept."""
_MOST_WAITING = 20_000
_BATCH = 500

_Key = tuple[SubscriberId, DeviceId | None, Act, str]


class Visits:
    def __init__(self, store: VisitStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[_Key, Visit] = {}
        self._dropped = 0

    def note(
        self, subscriber: SubscriberId, act: Act, *, device: DeviceId | None = None, detail: str = ""
    ) -> None:
        """Costs microseconds; beyond a limit the newest kinds are dropped until the next ``flush``."""
        key = (subscriber, device, act, detail)
        now = self._clock.now()
        known = self._waiting.get(key)
        if known is not None:
            self._waiting[key] = Visit(*key, known.first_at, now, known.count + 1)
        elif len(self._waiting) < _MOST_WAITING:
            self._waiting[key] = Visit(*key, now, now, 1)
        else:
            self._dropped += 1

    async def flush(self) -> None:
        """Write what waits.  Raises Outage; then it is lost."""
        waiting, self._waiting = list(self._waiting.values()), {}
        if self._dropped:
            log.warning("visits_dropped", count=self._dropped)
            self._dropped = 0
        for start in range(0, len(waiting), _BATCH):
            await self._store.add(waiting[start : start + _BATCH], keep=KEEP)
