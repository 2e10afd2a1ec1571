# SPDX-License-Identifier: Apache-2.0
"""The PIN of the telephone menus: who knows it, and how it is changed (OMTP 1.3 2.3).

It is not the IMAP password, and it never ends or delays an IMAP session: tries are counted in the
store, for each subscriber, and after too many there is a pause in which no PIN is compared.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from enum import StrEnum

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal, UnknownSubscriber
from vvm.domain.pin import PinFault, PinRules, fault
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import CosName, Dialect, ProvisioningStatus, Subscriber, SubscriberId
from vvm.services.pin_hash import PinHash
from vvm.services.settings import PinSettings, ServiceSettings
from vvm.store.port import CosStore, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)


class WrongPin(StrEnum):
    """Why a PIN did not open anything."""

    MISMATCH = "mismatch"
    LOCKED = "locked"
    """Too many were wrong: none is compared until the pause is over."""


class PinNotAccepted(Refusal):
    """The PIN that was given as the present one is not."""

    code = "pin_not_accepted"

    def __init__(self, reason: WrongPin) -> None:
        super().__init__(reason.value)
        self.reason = reason


_WRONG = {
    PinFault.TOO_SHORT: "is too short",
    PinFault.TOO_LONG: "is too long",
    PinFault.INVALID_CHARACTERS: "has characters that are no digits",
    PinFault.TOO_WEAK: "is too weak",
}


class UnfitPin(Refusal):
    """A new PIN that the rules do not allow; the text says why and never shows it."""

    code = "unfit_pin"

    def __init__(self, reason: PinFault, rules: PinRules) -> None:
        super().__init__(f"the PIN {_WRONG[reason]}: it must be {rules.told}")
        self.reason = reason


class Pins:
    def __init__(
        self,
        subscribers: SubscriberStore,
        classes: CosStore,
        hashes: PinHash,
        *,
        clock: Clock,
        service: ServiceSettings,
        settings: PinSettings,
    ) -> None:
        self._subscribers = subscribers
        self._classes = classes
        self._hashes = hashes
        self._clock = clock
        self._settings = settings
        self._lockout = timedelta(minutes=settings.lockout_minutes)
        self._rules = PinRules(
            min_digits=service.pin_min_digits,
            max_digits=service.pin_max_digits,
            refuse_repeats=settings.refuse_repeats,
            refuse_runs=settings.refuse_runs,
            refuse_own_digits=settings.refuse_own_digits,
        )

    async def verify(self, subscriber: SubscriberId, pin: Secret) -> None:
        """Return when the PIN is right.  Raises PinNotAccepted, UnknownSubscriber.

        The try is counted before the comparison and forgotten after a right one, so that neither
        parallel tries nor a kill in between give one more.
        """
        found = await self._found(subscriber)
        if not await self._subscribers.take_pin_try(
            subscriber, now=self._clock.now(), most=self._settings.max_tries, lockout=self._lockout
        ):
            log.warning("pin_locked", msisdn=found.msisdn)
            raise PinNotAccepted(WrongPin.LOCKED)
        if not await self._is_right(found, pin):
            log.info("pin_mismatched", msisdn=found.msisdn)
            raise PinNotAccepted(WrongPin.MISMATCH)
        await self._subscribers.forget_pin_tries(subscriber)

    async def change(self, subscriber: SubscriberId, *, new: Secret, old: Secret) -> None:
        """Set a new PIN for who knows the old one; in force when it returns.

        The old one is judged first, and a new one equal to it is always good: that is how AOSP finds
        out whether it knows the PIN (spec/omtp-vvm.md 15.1).  Raises PinNotAccepted, UnfitPin,
        UnknownSubscriber.
        """
        await self.verify(subscriber, old)
        if new == old:
            return
        found = await self._found(subscriber)
        check = await self.check_of(new, msisdn=found.msisdn, cos=found.cos)
        change = SubscriberChange(changed_at=self._clock.now(), pin_check=check)
        await self._subscribers.change(found.msisdn, change)
        log.info("pin_changed", msisdn=found.msisdn)

    async def check_of(self, new: Secret, *, msisdn: str, cos: CosName) -> str:
        """What the store keeps of a new PIN of somebody with this class of service.  Raises UnfitPin."""
        rules = await self.rules_of(cos)
        wrong = fault(new.reveal(), rules, msisdn=msisdn)
        if wrong is not None:
            raise UnfitPin(wrong, rules)
        return await self._hashes.make(new)

    async def rules_of(self, name: CosName) -> PinRules:
        """What a new PIN of somebody with this class of service may be."""
        cos = await self._classes.by_name(name) if name else None
        if cos is None:
            return self._rules
        return msgspec.structs.replace(
            self._rules,
            min_digits=cos.limits.pin_min_digits or self._rules.min_digits,
            max_digits=cos.limits.pin_max_digits or self._rules.max_digits,
        )

    async def _found(self, subscriber: SubscriberId) -> Subscriber:
        found = await self._subscribers.by_id(subscriber)
        if found is None:
            raise UnknownSubscriber
        return found

    async def _is_right(self, subscriber: Subscriber, pin: Secret) -> bool:
        if subscriber.pin_check is not None:
            return await self._hashes.matches(pin, subscriber.pin_check)
        default = _default(subscriber)
        return default is not None and hmac.compare_digest(default.encode(), pin.reveal().encode())


def _default(subscriber: Subscriber) -> str | None:
    """The PIN that a VVM3 client assumes while it sets a new subscriber up (spec/omtp-vvm.md 14.1).

    None for any other client, and once the set-up is done: who has no PIN then cannot guess one.
    """
    if subscriber.client.dialect is not Dialect.VVM3 or subscriber.status is not ProvisioningStatus.NEW:
        return None
    return "1" + subscriber.imap_user.partition("@")[0][-4:]
