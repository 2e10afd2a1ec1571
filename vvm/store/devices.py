# SPDX-License-Identifier: Apache-2.0
"""The port of credentials per device.  A part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.device import Device, DeviceId
from vvm.domain.notification import Owed
from vvm.domain.subscriber import SubscriberId


class NewDevice(msgspec.Struct, frozen=True):
    subscriber: SubscriberId
    login: str
    name: str
    profile: str
    password_check: bytes
    password_sealed: bytes
    created_at: datetime


class NewCode(msgspec.Struct, frozen=True):
    """A one-time code that was made for a subscriber."""

    check: bytes
    """Keyed hash (services.credentials)."""
    sealed: bytes
    """Encrypted, for the SMS that tells it."""
    expires_at: datetime


class DeviceStore(Protocol):
    async def add(self, new: NewDevice, *, most: int) -> Device:
        """Give a device its login.

        Raises UnknownSubscriber; TooManyDevices when the subscriber has ``most`` of them; LoginTaken
        when the login is another device's.
        """
        ...

    async def by_login(self, login: str) -> Device | None:
        """Letters compare exactly."""
        ...

    async def by_id(self, device: DeviceId) -> Device | None: ...

    async def of(self, subscriber: SubscriberId) -> Sequence[Device]:
        """All of a subscriber, oldest first."""
        ...

    async def used(self, device: DeviceId, *, at: datetime) -> None:
        """Note a login.  Waits for no fsync of its own; one that is revoked changes nothing."""
        ...

    async def revoke(
        self, subscriber: SubscriberId, device: DeviceId, *, as_read: Device | None = None
    ) -> bool:
        """Forget a device of this subscriber.  False: it has none of this id.

        With ``as_read`` raises PreconditionFailed where it has logged in since.
        """
        ...

    async def offer(self, subscriber: SubscriberId, code: NewCode, owed: Sequence[Owed]) -> None:
        """Put a code in the place of any earlier one, with all tries, and owe its SMS, both or neither.

        Raises UnknownSubscriber.
        """
        ...

    async def offered(self, subscriber: SubscriberId, *, now: datetime) -> bytes | None:
        """The sealed code that waits to be used; None when there is none, or it has expired."""
        ...

    async def take_code_try(self, subscriber: SubscriberId, *, now: datetime, most: int) -> bytes | None:
        """Count a try before it is made; what to compare with.

        None when no code waits, or after ``most`` tries.  Survives ``kill -9``; does not wait for an
        fsync of its own.
        """
        ...

    async def use_code(self, subscriber: SubscriberId, check: bytes) -> bool:
        """Spend a code.  False: it was spent, or replaced, by another request."""
        ...

    async def admits(self, device: DeviceId) -> bool:
        """It is not revoked, and the service of its subscriber is neither blocked nor unknown."""
        ...
