# SPDX-License-Identifier: Apache-2.0
"""PINs that the service makes: an SMS tells them to the subscriber, and nothing tells them to anybody else.

Such a PIN is kept nowhere.  It follows from the salt of its hash and from the master key, without which the
hash is worth nothing either: whoever sends the SMS finds it again, as often as the SMS is sent, until the
subscriber has chosen another one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

import structlog

from vvm.domain.clock import Clock
from vvm.domain.numbers import Msisdn
from vvm.domain.pin import LONGEST_PIN, PinFault, PinRules, fault
from vvm.domain.provisioning import Trigger
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import Subscriber
from vvm.services.credentials import Keyring
from vvm.services.owing import Owing
from vvm.services.own_number import by_own_number
from vvm.services.pin_hash import SALT_BYTES, PinHash, salt_of
from vvm.services.pins import Pins, UnfitPin
from vvm.services.plain_sms import PlainSms, in_language, plain_sms
from vvm.services.resending import NothingToTell
from vvm.services.settings import PinSettings, ServiceSettings
from vvm.store.port import Hints, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)

_ENGLISH = "{pin} is the new PIN of your voicemail. Do not tell it to anybody."
_DRAWS = 1000
"""Rules that refuse so many PINs in a row refuse all of them."""


class MadePins:
    def __init__(self, hashes: PinHash, keyring: Keyring) -> None:
        self._hashes = hashes
        self._keyring = keyring

    def salt(self, digits: int, rules: PinRules, *, msisdn: Msisdn, request: bytes | None) -> bytes:
        """From which a PIN of so many digits follows that the rules allow; the same for the same request.

        Raises UnfitPin when they allow none.
        """
        for draw in range(_DRAWS):
            if request is None:
                octets = secrets.token_bytes(SALT_BYTES)
            else:
                octets = self._keyring.repeatable(request + draw.to_bytes(2, "big"), "pin")
            salt = bytes([digits]) + octets[: SALT_BYTES - 1]
            if fault(self._pin(salt).reveal(), rules, msisdn=msisdn) is None:
                return salt
        raise UnfitPin(PinFault.TOO_WEAK, rules)

    async def check(self, salt: bytes) -> str:
        """What the store keeps of the PIN that follows from a salt."""
        return await self._hashes.make(self._pin(salt), salt=salt)

    async def of(self, subscriber: Subscriber) -> Secret | None:
        """The PIN that was made for a subscriber; None once it has another."""
        salt = salt_of(subscriber.pin_check or "")
        if salt is None or not 1 <= salt[0] <= LONGEST_PIN:
            return None
        pin = self._pin(salt)
        return pin if await self._hashes.matches(pin, subscriber.pin_check or "") else None

    def _pin(self, salt: bytes) -> Secret:
        """As many digits as the first octet of the salt says."""
        digest = hmac.new(self._keyring.made_pin_key, salt, hashlib.sha512).digest()
        return Secret(f"{int.from_bytes(digest, 'big') % 10 ** salt[0]:0{salt[0]}}")


class PinTexts:
    """The SMS of a PIN that was made, made itself when it is sent (ADR 0005)."""

    def __init__(self, made: MadePins, *, service: ServiceSettings, settings: PinSettings) -> None:
        self._made = made
        self._number = service.tui_number or service.service_number
        self._languages = service.languages
        self._texts = settings.texts

    async def sms(self, subscriber: Subscriber) -> PlainSms | None:
        """None when the subscriber has another PIN by now, and for who is not served."""
        pin = await self._made.of(subscriber) if subscriber.status.served else None
        if pin is None:
            return None
        text = in_language(self._texts, (subscriber.language, *self._languages), or_else=_ENGLISH)
        return plain_sms(text.format(pin=pin.reveal(), number=self._number))


class PinReset:
    """An operator has a PIN made, which the operator does not learn."""

    def __init__(
        self,
        subscribers: SubscriberStore,
        hints: Hints,
        pins: Pins,
        made: MadePins,
        *,
        clock: Clock,
        owing: Owing,
        settings: PinSettings,
    ) -> None:
        self._subscribers = subscribers
        self._hints = hints
        self._pins = pins
        self._made = made
        self._clock = clock
        self._owing = owing
        self._digits = settings.made_digits

    async def __call__(self, msisdn: Msisdn, *, reason: str = "", request: bytes | None = None) -> Subscriber:
        """Put a new PIN in the place of the old one, end a lockout, and owe the SMS that tells it.

        ``request`` names the request: repeated, it changes nothing while the PIN that it made is there.
        Raises UnknownSubscriber, IsAlias, NothingToTell, UnfitPin.
        """
        before = await by_own_number(self._subscribers, msisdn)
        if not before.status.served:
            raise NothingToTell("the subscriber is blocked or closed")
        rules = await self._pins.rules_of(before.cos)
        digits = min(max(self._digits, rules.min_digits), rules.max_digits)
        salt = self._made.salt(digits, rules, msisdn=before.msisdn, request=request)
        if salt == salt_of(before.pin_check or ""):
            return before
        change = SubscriberChange(
            changed_at=self._clock.now(),
            pin_check=await self._made.check(salt),
            trigger=Trigger.PIN_RESET,
            reason=reason,
        )
        after = await self._subscribers.change(msisdn, change, [self._owing.pin(before)])
        self._hints.outbox()
        log.info("pin_reset", msisdn=after.msisdn)
        return after
