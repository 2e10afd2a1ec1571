# SPDX-License-Identifier: Apache-2.0
"""The DeviceStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count

import msgspec

from vvm.domain.device import Device, DeviceId
from vvm.domain.errors import LoginTaken, PreconditionFailed, TooManyDevices, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.subscriber import SubscriberId
from vvm.store.devices import NewCode, NewDevice
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.memory.subscribers import MemorySubscribers


class MemoryDevices:
    def __init__(self, subscribers: MemorySubscribers, outbox: MemoryOutbox) -> None:
        self._subscribers = subscribers
        self._outbox = outbox
        self._codes: dict[SubscriberId, NewCode] = {}
        self._tries: dict[SubscriberId, int] = {}
        self._devices: dict[DeviceId, Device] = {}
        self._ids = count(1)
        subscribers.when_removed(self._forget)

    async def add(self, new: NewDevice, *, most: int) -> Device:
        if await self._subscribers.by_id(new.subscriber) is None:
            raise UnknownSubscriber
        if len(await self.of(new.subscriber)) >= most:
            raise TooManyDevices(most=most)
        if await self.by_login(new.login) is not None:
            raise LoginTaken
        device = Device(id=DeviceId(next(self._ids)), **msgspec.structs.asdict(new))
        self._devices[device.id] = device
        return device

    async def by_login(self, login: str) -> Device | None:
        return next((device for device in self._devices.values() if device.login == login), None)

    async def by_id(self, device: DeviceId) -> Device | None:
        return self._devices.get(device)

    async def of(self, subscriber: SubscriberId) -> Sequence[Device]:
        return [device for device in self._devices.values() if device.subscriber == subscriber]

    async def used(self, device: DeviceId, *, at: datetime) -> None:
        if (found := self._devices.get(device)) is not None:
            self._devices[device] = msgspec.structs.replace(found, last_used_at=at)

    async def revoke(
        self, subscriber: SubscriberId, device: DeviceId, *, as_read: Device | None = None
    ) -> bool:
        found = self._devices.get(device)
        if found is None or found.subscriber != subscriber:
            return False
        if as_read not in {None, found}:
            raise PreconditionFailed
        del self._devices[device]
        return True

    async def offer(self, subscriber: SubscriberId, code: NewCode, owed: Sequence[Owed]) -> None:
        if await self._subscribers.by_id(subscriber) is None:
            raise UnknownSubscriber
        self._codes[subscriber] = code
        self._tries[subscriber] = 0
        self._outbox.add(owed)

    async def offered(self, subscriber: SubscriberId, *, now: datetime) -> bytes | None:
        code = self._codes.get(subscriber)
        return code.sealed if code is not None and now < code.expires_at else None

    async def take_code_try(self, subscriber: SubscriberId, *, now: datetime, most: int) -> bytes | None:
        code = self._codes.get(subscriber)
        if code is None or now >= code.expires_at or self._tries[subscriber] >= most:
            return None
        self._tries[subscriber] += 1
        return code.check

    async def use_code(self, subscriber: SubscriberId, check: bytes) -> bool:
        code = self._codes.get(subscriber)
        if code is None or code.check != check:
            return False
        del self._codes[subscriber]
        return True

    async def admits(self, device: DeviceId) -> bool:
        found = self._devices.get(device)
        owner = None if found is None else await self._subscribers.by_id(found.subscriber)
        return owner is not None and owner.status.served

    def _forget(self, subscriber: SubscriberId) -> None:
        self._codes.pop(subscriber, None)
        for device in [one.id for one in self._devices.values() if one.subscriber == subscriber]:
            del self._devices[device]
