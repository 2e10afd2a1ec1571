# SPDX-License-Identifier: Apache-2.0
"""The VisitStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.subscriber import SubscriberId
from vvm.domain.visit import Visit
from vvm.store.memory.subscribers import MemorySubscribers


class MemoryVisits:
    def __init__(self, subscribers: MemorySubscribers) -> None:
        self._subscribers = subscribers
        self._visits: dict[SubscriberId, list[Visit]] = {}
        subscribers.when_removed(self._forget)

    async def add(self, visits: Sequence[Visit], *, keep: int) -> None:
        for visit in visits:
            if await self._subscribers.by_id(visit.subscriber) is not None:
                kept = self._visits.setdefault(visit.subscriber, [])
                kept.append(visit)
                del kept[:-keep]

    async def history(self, subscriber: SubscriberId, *, limit: int) -> Sequence[Visit]:
        return self._visits.get(subscriber, [])[-limit:]

    async def forget(self, *, before: datetime, limit: int) -> int:
        old = [one for visits in self._visits.values() for one in visits if one.last_at < before][:limit]
        for visit in old:
            self._visits[visit.subscriber].remove(visit)
        return len(old)

    def _forget(self, subscriber: SubscriberId) -> None:
        self._visits.pop(subscriber, None)
