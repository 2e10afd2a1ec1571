# SPDX-License-Identifier: Apache-2.0
"""The CosStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence

from vvm.domain.cos import Cos, CosInUse, Limits, NoSuchCos
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store.memory.subscribers import MemorySubscribers


class MemoryCos:
    def __init__(self, subscribers: MemorySubscribers) -> None:
        self._subscribers = subscribers
        self._classes = subscribers.classes

    async def put(self, cos: Cos) -> bool:
        new = cos.name not in self._classes
        self._classes[cos.name] = cos
        return new

    async def by_name(self, name: CosName) -> Cos | None:
        return self._classes.get(name)

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        names = sorted(name for name in self._classes if after is None or name > after)
        return [self._classes[name] for name in names[:limit]]

    async def remove(self, name: CosName) -> None:
        if name not in self._classes:
            raise NoSuchCos
        if self._subscribers.refers_to(name):
            raise CosInUse
        del self._classes[name]

    async def of(self, mailbox: MailboxId) -> Limits | None:
        return self._subscribers.limits_of(mailbox)
