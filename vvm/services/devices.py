# SPDX-License-Identifier: Apache-2.0
"""A subscriber's devices: each has a login of its own, which is revoked without touching the others.

The password of the subscriber itself belongs to the client that STATUS activates, and is replaced
whenever it may have leaked.  A device keeps its own through that.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.device import Device, DeviceId
from vvm.domain.errors import LoginTaken, Refusal, UnknownSubscriber
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import Manners, Subscriber
from vvm.services.credentials import Keyring
from vvm.services.settings import DeviceSettings
from vvm.store.port import DeviceStore, Hints, NewDevice, SubscriberStore

log = structlog.get_logger(__name__)

NAME_RULE = "1 to 64 printable characters"
PROFILE_RULE = f"one of {', '.join(Manners)}, or empty for that of the subscriber"
_NAME_LENGTH = 64
_PROFILES = frozenset({"", *Manners})
_TAG_ALPHABET = string.ascii_lowercase + string.digits
_TAG_LENGTH = 8


class UnknownDevice(Refusal):
    code = "unknown_device"

    def __init__(self) -> None:
        super().__init__("the subscriber has no such device")


class InvalidDevice(Refusal):
    code = "invalid_device"


class NewCredentials(msgspec.Struct, frozen=True):
    """What a device logs in with; the password is in no answer after this one."""

    device: Device
    password: Secret


class Devices:
    def __init__(
        self,
        subscribers: SubscriberStore,
        devices: DeviceStore,
        hints: Hints,
        keyring: Keyring,
        *,
        clock: Clock,
        settings: DeviceSettings,
    ) -> None:
        self._subscribers = subscribers
        self._devices = devices
        self._hints = hints
        self._keyring = keyring
        self._clock = clock
        self._settings = settings

    def check(self, *, name: str, profile: str) -> None:
        """Raises InvalidDevice."""
        if not (0 < len(name) <= _NAME_LENGTH and name.isprintable()):
            raise InvalidDevice(f"the name of a device is {NAME_RULE}")
        if profile not in _PROFILES:
            raise InvalidDevice(f"the profile of a device is {PROFILE_RULE}")

    async def add(
        self, msisdn: Msisdn, *, name: str, profile: str = "", request: bytes | None = None
    ) -> NewCredentials:
        """Give a device a login.  Raises UnknownSubscriber, InvalidDevice, TooManyDevices.

        ``request`` names the request: repeated, it gets the device that it made, while that is there.
        """
        self.check(name=name, profile=profile)
        subscriber = await self._known(msisdn)
        while True:
            login = _login_of(subscriber, _new_tag() if request is None else self._tag_of(request))
            made = None if request is None else await self._devices.by_login(login)
            if made is not None:
                return NewCredentials(made, self._keyring.open(login, made.password_sealed))
            minted = self._keyring.mint(login)
            new = NewDevice(
                subscriber=subscriber.id,
                login=login,
                name=name,
                profile=profile,
                password_check=minted.check,
                password_sealed=minted.sealed,
                created_at=self._clock.now(),
            )
            try:
                device = await self._devices.add(new, most=self._settings.most)
            except LoginTaken:
                continue
            log.info("device_added", msisdn=msisdn, device=device.id, profile=profile)
            return NewCredentials(device, self._keyring.open(login, minted.sealed))

    async def of(self, msisdn: Msisdn) -> Sequence[Device]:
        """All of a subscriber, oldest first.  Raises UnknownSubscriber."""
        return await self._devices.of((await self._known(msisdn)).id)

    async def show(self, msisdn: Msisdn, device: DeviceId) -> Device:
        """Raises UnknownSubscriber, UnknownDevice."""
        subscriber = await self._known(msisdn)
        found = await self._devices.by_id(device)
        if found is None or found.subscriber != subscriber.id:
            raise UnknownDevice
        return found

    async def revoke(self, msisdn: Msisdn, device: DeviceId, *, as_read: Device | None = None) -> None:
        """Its login ends, and with it every session of it.

        Raises UnknownSubscriber, UnknownDevice; PreconditionFailed as ``DeviceStore.revoke``.
        """
        subscriber = await self._known(msisdn)
        if not await self._devices.revoke(subscriber.id, device, as_read=as_read):
            raise UnknownDevice
        self._hints.mailbox(subscriber.mailbox)
        log.info("device_revoked", msisdn=msisdn, device=device)

    def _tag_of(self, request: bytes) -> str:
        number = int.from_bytes(self._keyring.repeatable(request, "device"), "big")
        return "".join(
            _TAG_ALPHABET[number // len(_TAG_ALPHABET) ** place % len(_TAG_ALPHABET)]
            for place in range(_TAG_LENGTH)
        )

    async def _known(self, msisdn: Msisdn) -> Subscriber:
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return subscriber


def _new_tag() -> str:
    """It tells nothing about the device, and cannot be guessed from a number."""
    return "".join(secrets.choice(_TAG_ALPHABET) for _ in range(_TAG_LENGTH))


def _login_of(subscriber: Subscriber, tag: str) -> str:
    user, at, domain = subscriber.imap_user.partition("@")
    return f"{user}+{tag}{at}{domain}"
