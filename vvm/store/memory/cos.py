# SPDX-License-Identifier: Apache-2.0
"""The CosStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.cos import Cos, CosInUse, Limits
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store.cos import removable, replaced
from vvm.store.memory.subscribers import MemorySubscribers


class MemoryCos:
    def __init__(self, subscribers: MemorySubscribers) -> None:
        self._subscribers = subscribers
        self._classes = subscribers.classes

    async def put(
        self, cos: Cos, *, exists: bool | None = None, decided_at: datetime | None = None
    ) -> tuple[Cos, bool]:
        before = self._classes.get(cos.name)
        after = self._classes[cos.name] = replaced(before, cos, exists=exists, decided_at=decided_at)
        return after, before is None

    async def by_name(self, name: CosName) -> Cos | None:
        return self._classes.get(name)

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        names = sorted(name for name in self._classes if after is None or name > after)
        return [self._classes[name] for name in names[:limit]]

    async def remove(self, name: CosName, *, decided_at: datetime | None = None) -> None:
        removable(self._classes.get(name), decided_at=decided_at)
        if self._subscribers.refers_to(name):
            raise CosInUse
        del self._classes[name]

    async def of(self, mailbox: MailboxId) -> Limits | None:
        return self._subscribers.limits_of(mailbox)
