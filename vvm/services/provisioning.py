# SPDX-License-Identifier: Apache-2.0
"""Operators create, read, change and remove subscribers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from vvm.domain import provisioning as rules
from vvm.domain.client import check_client
from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal, StatusMoved, SubscriberClosed, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile, CosName, Fallback, ProvisioningStatus, Subscriber
from vvm.omtp.carrier import Carriers
from vvm.services.credentials import Keyring
from vvm.services.owing import Owing
from vvm.services.own_number import by_own_number
from vvm.services.paging import PAGE_LIMIT, InvalidLimit
from vvm.services.pins import Pins
from vvm.services.settings import NotificationSettings, ServiceSettings
from vvm.store.port import (
    Hints,
    NewSubscriber,
    OutboxStore,
    SubscriberChange,
    SubscriberStore,
)

log = structlog.get_logger(__name__)

MAX_MESSAGES_LIMIT = 1_000_000
"""The largest max_messages that is taken: nobody listens to more, and every store holds the number."""
_TRIGGERS = {True: Trigger.BLOCKED, False: Trigger.UNBLOCKED, None: Trigger.OPERATOR}


class UnknownLanguage(Refusal):
    code = "unknown_language"


class UnknownCarrier(Refusal):
    code = "unknown_carrier"


class SubscriberOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may say of a subscriber; None means the default, or no change."""

    language: str | None = None
    max_messages: int | None = None
    setup_done: bool | None = None
    blocked: bool | None = None
    fallback: Fallback | None = None
    cos: CosName | None = None
    """A class of service; "" for none."""
    client: ClientProfile | None = None
    pin: Secret | None = None
    """A new PIN of the telephone menus, which also ends a lockout; it cannot be read back."""


class Provisioning:
    """The operator's use cases.  Every change of an active subscriber is told to its phone by STATUS."""

    def __init__(
        self,
        subscribers: SubscriberStore,
        outbox: OutboxStore,
        hints: Hints,
        keyring: Keyring,
        pins: Pins,
        *,
        clock: Clock,
        service: ServiceSettings,
        carriers: Carriers,
        notification: NotificationSettings,
    ) -> None:
        self._subscribers = subscribers
        self._outbox = outbox
        self._hints = hints
        self._keyring = keyring
        self._pins = pins
        self._clock = clock
        self._service = service
        self._carriers = carriers
        self._owing = Owing(clock, notification)

    async def create(self, msisdn: Msisdn, options: SubscriberOptions) -> Subscriber:
        """Give a number the service, in status P.  Raises SubscriberExists and what ``change`` raises."""
        new = await self.prepared(msisdn, options)
        subscriber = await self._subscribers.create(new)
        log.info("subscriber_created", msisdn=msisdn, status=new.status.value)
        return subscriber

    async def prepared(self, msisdn: Msisdn, options: SubscriberOptions) -> NewSubscriber:
        """What ``create`` would store; nothing is stored.  Raises what ``check`` raises."""
        self._check(options, self._service.client)
        imap_user = self._service.imap_user(msisdn)
        minted = self._keyring.mint(imap_user)
        return NewSubscriber(
            msisdn=msisdn,
            status=ProvisioningStatus.BLOCKED if options.blocked else ProvisioningStatus.PROVISIONED,
            client=options.client or self._service.client,
            language=options.language or self._service.languages[0],
            setup_done=True if options.setup_done is None else options.setup_done,
            max_messages=options.max_messages or self._service.max_messages,
            imap_user=imap_user,
            password_check=minted.check,
            password_sealed=minted.sealed,
            created_at=self._clock.now(),
            fallback=options.fallback or self._service.fallback,
            cos=options.cos or CosName(""),
            pin_check=await self._pin_check(msisdn, options, CosName("")),
        )

    async def check(self, before: Subscriber, options: SubscriberOptions) -> None:
        """What ``change`` would refuse; nothing is changed.

        Raises UnknownLanguage, InvalidLimit, BadClient, UnknownCarrier, UnfitPin.
        """
        self._check(options, before.client)
        await self._pin_check(before.msisdn, options, before.cos)

    def client_of(self, carrier: str) -> ClientProfile:
        """What is assumed of a carrier's clients.  Raises UnknownCarrier."""
        if carrier not in self._carriers:
            raise UnknownCarrier(f"carrier must be one of {', '.join(sorted(self._carriers)) or 'none'}")
        return self._carriers[carrier].client

    async def show(self, msisdn: Msisdn) -> Subscriber:
        """Raises UnknownSubscriber."""
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return subscriber

    async def own(self, msisdn: Msisdn) -> Subscriber:
        """Who is to be changed.  Raises UnknownSubscriber, IsAlias."""
        return await by_own_number(self._subscribers, msisdn)

    async def change(
        self,
        msisdn: Msisdn,
        options: SubscriberOptions,
        *,
        decided_at: datetime | None = None,
        reason: str = "",
    ) -> Subscriber:
        """Raises UnknownSubscriber, IsAlias, UnknownCos, and what ``check`` raises.

        The audit has what was changed, with ``reason``; of a PIN only that it is new.
        With ``decided_at`` PreconditionFailed too, when that is not the moment of the last change.
        """
        before = await self.own(msisdn)
        self._check(options, before.client)
        pin_check = await self._pin_check(msisdn, options, before.cos)
        while True:
            try:
                return await self._change(msisdn, options, pin_check, decided_at, reason)
            except StatusMoved:
                continue  # activated, say, in this very moment: decide again

    async def _change(
        self,
        msisdn: Msisdn,
        options: SubscriberOptions,
        pin_check: str | None,
        decided_at: datetime | None,
        reason: str,
    ) -> Subscriber:
        before = await self.own(msisdn)
        status = _after_block(before.status, options.blocked)
        now = self._clock.now()
        change = SubscriberChange(
            changed_at=now,
            decided_on=before.status,
            decided_at=decided_at,
            status=None if status is before.status else status,
            client=options.client,
            language=options.language,
            setup_done=options.setup_done,
            max_messages=options.max_messages,
            pin_check=pin_check,
            fallback=options.fallback,
            cos=options.cos,
            trigger=_trigger(options),
            reason=reason,
            itemized=True,
        )
        owed = [self._owing.status(before)] if _client_must_know(before, status) else []
        after = await self._subscribers.change(msisdn, change, owed)
        if owed:
            self._hints.outbox()
        self._hints.mailbox(after.mailbox)
        log.info("subscriber_changed", msisdn=msisdn, status=after.status.value)
        return after

    async def rotate(self, msisdn: Msisdn, *, request: bytes | None = None) -> Subscriber:
        """Replace the IMAP password, and tell an active client by STATUS (sheet 6.4).

        The old one works for ``vvm.password_grace_hours`` more.  ``request`` names the request: repeated,
        it changes nothing while the password that it made is there.  Raises UnknownSubscriber, IsAlias,
        SubscriberClosed.
        """
        before = await self.own(msisdn)
        if before.closing is not None:
            raise SubscriberClosed
        if self._keyring.minted_for(request, before):
            return before
        minted = self._keyring.mint_for(request, before.imap_user, replaced=before.password_check)
        now = self._clock.now()
        change = SubscriberChange(
            changed_at=now,
            password_check=minted.check,
            password_sealed=minted.sealed,
            previous_check=before.password_check,
            previous_until=now + timedelta(hours=self._service.password_grace_hours),
            trigger=Trigger.ROTATED,
        )
        after = await self._subscribers.change(msisdn, change, self._told(before))
        self._hints.outbox()
        log.info("password_rotated", msisdn=msisdn)
        return after

    async def announce(self, msisdn: Msisdn) -> bool:
        """Tell a client by STATUS what holds now, for example a new host (sheet 6.4).

        False: it has no active client, and nothing is sent.  Raises UnknownSubscriber.
        """
        owed = self._told(await self.show(msisdn))
        await self._outbox.owe(owed)
        self._hints.outbox()
        return bool(owed)

    async def announce_all(self, progress: Callable[[int], None] = lambda _: None) -> int:
        """Tell every active client; answers how many.  An interrupted call is repeated from the start.

        ``progress`` hears of how many subscribers more that is decided.
        """
        told = 0
        after: Msisdn | None = None
        while page := await self._subscribers.page(after=after, limit=PAGE_LIMIT):
            owed = [status for subscriber in page for status in self._told(subscriber)]
            await self._outbox.owe(owed)
            self._hints.outbox()
            told += len(owed)
            after = page[-1].msisdn
            progress(len(page))
        log.info("service_announced", subscribers=told)
        return told

    async def remove(self, msisdn: Msisdn, *, decided_at: datetime | None = None) -> None:
        """Take the service away, with all messages.

        Raises UnknownSubscriber, SubscriberHeld, IsAlias; PreconditionFailed as ``change``.
        """
        subscriber = await self.show(msisdn)
        await self._subscribers.remove(msisdn, at=self._clock.now(), decided_at=decided_at)
        self._hints.mailbox(subscriber.mailbox)
        log.info("subscriber_removed", msisdn=msisdn)

    async def _pin_check(self, msisdn: Msisdn, options: SubscriberOptions, cos: CosName) -> str | None:
        if options.pin is None:
            return None
        after = cos if options.cos is None else options.cos
        return await self._pins.check_of(options.pin, msisdn=msisdn, cos=after)

    def _told(self, subscriber: Subscriber) -> list[Owed]:
        return [self._owing.status(subscriber)] if subscriber.status.active else []

    def _check(self, options: SubscriberOptions, known: ClientProfile) -> None:
        if options.language is not None and options.language not in self._service.languages:
            raise UnknownLanguage(f"language must be one of {', '.join(self._service.languages)}")
        if options.max_messages is not None and not 1 <= options.max_messages <= MAX_MESSAGES_LIMIT:
            raise InvalidLimit(f"max_messages must lie between 1 and {MAX_MESSAGES_LIMIT}")
        if options.client is not None:
            check_client(options.client, known=known)
            if options.client.carrier not in {"", known.carrier}:
                self.client_of(options.client.carrier)


def _trigger(options: SubscriberOptions) -> Trigger:
    new_pin = options.blocked is None and options.pin is not None
    return Trigger.PIN_RESET if new_pin else _TRIGGERS[options.blocked]


def _after_block(status: ProvisioningStatus, blocked: bool | None) -> ProvisioningStatus:  # noqa: FBT001 - tri-state of the request
    if blocked is None:
        return status
    return rules.blocked(status) if blocked else rules.unblocked(status)


def _client_must_know(before: Subscriber, status: ProvisioningStatus) -> bool:
    return before.status.active and status is not before.status
