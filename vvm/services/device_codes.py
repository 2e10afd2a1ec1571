# SPDX-License-Identifier: Apache-2.0
"""A subscriber adds a device without an operator: a one-time code goes to the phone by SMS and comes back.

Who asks learns nothing: the answer is the same whether a number is served or not.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.services.allowance import Allowance
from vvm.services.credentials import Keyring
from vvm.services.devices import Devices, NewCredentials
from vvm.services.owing import Owing
from vvm.services.plain_sms import PlainSms, in_language, plain_sms
from vvm.services.settings import DeviceSettings, NotificationSettings, ServiceSettings
from vvm.store.port import DeviceStore, Hints, NewCode, SubscriberStore

log = structlog.get_logger(__name__)

_ENGLISH = "{code} is the code for your voicemail. Do not tell it to anybody."
_HOUR = timedelta(hours=1)


class WrongCode(Refusal):
    """Not the code that was sent last, or it is spent, too old, or was tried too often: ask for another."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__("this code opens nothing: ask for a new one")


class CodeTexts:
    """The SMS of a code, made when it is sent (ADR 0005)."""

    def __init__(
        self,
        devices: DeviceStore,
        keyring: Keyring,
        *,
        clock: Clock,
        service: ServiceSettings,
        settings: DeviceSettings,
    ) -> None:
        self._devices = devices
        self._keyring = keyring
        self._clock = clock
        self._languages = service.languages
        self._texts = settings.texts

    async def sms(self, subscriber: Subscriber) -> PlainSms | None:
        """None when no code waits any more.  Raises SealBroken."""
        sealed = await self._devices.offered(subscriber.id, now=self._clock.now())
        if sealed is None:
            return None
        code = self._keyring.open(_owner(subscriber), sealed)
        text = in_language(self._texts, (subscriber.language, *self._languages), or_else=_ENGLISH)
        return plain_sms(text.format(code=code.reveal()))


class DeviceCodes:
    def __init__(
        self,
        subscribers: SubscriberStore,
        store: DeviceStore,
        devices: Devices,
        hints: Hints,
        keyring: Keyring,
        *,
        clock: Clock,
        settings: DeviceSettings,
        notification: NotificationSettings,
    ) -> None:
        self._subscribers = subscribers
        self._store = store
        self._devices = devices
        self._hints = hints
        self._keyring = keyring
        self._clock = clock
        self._owing = Owing(clock, notification)
        self._life = timedelta(minutes=settings.code_minutes)
        self._tries = settings.code_tries
        self._allowance = Allowance(clock, most=settings.codes_per_hour, within=_HOUR)

    async def request(self, msisdn: Msisdn) -> None:
        """Send a code to the phone, in the place of any earlier one.  Raises TooManyRequests."""
        self._allowance.take(msisdn)
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None or not subscriber.status.served:
            log.info("device_code_not_sent", msisdn=msisdn)
            return
        minted = self._keyring.mint_code(_owner(subscriber))
        expires_at = self._clock.now() + self._life
        code = NewCode(minted.check, minted.sealed, expires_at)
        owed = self._owing.code(subscriber, expires_at=expires_at)
        await self._store.offer(subscriber.id, code, [owed])
        self._hints.outbox()
        log.info("device_code_offered", msisdn=msisdn)

    async def redeem(self, msisdn: Msisdn, code: str, *, name: str, profile: str = "") -> NewCredentials:
        """Add a device for the code.  A try is counted before the code is compared.

        Raises WrongCode whatever is wrong with it, InvalidDevice, TooManyDevices.
        """
        self._devices.check(name=name, profile=profile)  # or a slip of the pen would cost a code
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None or not subscriber.status.served:
            raise WrongCode
        check = await self._store.take_code_try(subscriber.id, now=self._clock.now(), most=self._tries)
        if check is None or not self._keyring.matches(_owner(subscriber), code, check):
            log.info("device_code_refused", msisdn=msisdn)
            raise WrongCode
        if not await self._store.use_code(subscriber.id, check):
            raise WrongCode
        return await self._devices.add(msisdn, name=name, profile=profile)


def _owner(subscriber: Subscriber) -> str:
    """No login has such a name, so that a code opens no mailbox."""
    return f"code of {subscriber.imap_user}"
