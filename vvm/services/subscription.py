# SPDX-License-Identifier: Apache-2.0
"""A VVM3 client subscribes by itself over HTTP (sheet 14.3); why it is safe: docs/adr/0009.

The number in its request is a claim.  It counts only for whom an SMS has just shown: a handset that
asked by SMS, is not served here and was answered "unknown" is invited for a while.  Nothing secret goes
back by HTTP: the credentials go out by SMS, to the number itself.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec
import structlog

from vvm.domain import provisioning as rules
from vvm.domain.clock import Clock
from vvm.domain.errors import (
    InvalidNumber,
    InvalidTransition,
    NumberQuarantined,
    Refusal,
    StatusMoved,
    SubscriberExists,
)
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn, international
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Subscriber
from vvm.omtp.carrier import Carriers
from vvm.services.allowance import Allowance
from vvm.services.owing import Owing
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.services.settings import NotificationSettings, SelfServiceSettings, ServiceSettings
from vvm.services.transactions import BadTransaction, Step, Transactions
from vvm.store.port import Hints, OutboxStore, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)

_HISTORY = 20
_HOUR = timedelta(hours=1)
_COOKIE_BYTES = 16


class NotInvited(Refusal):
    """No handset of this number was told lately that it may subscribe."""

    code = "not_invited"

    def __init__(self) -> None:
        super().__init__("this number was not told by SMS that it may subscribe")


class Portal(msgspec.Struct, frozen=True):
    """What the page is made of."""

    token: str
    """For the link that subscribes."""
    cookie: str
    """Without it the link does nothing, so that whoever merely looks at addresses subscribes nobody."""


class Subscription:
    def __init__(
        self,
        subscribers: SubscriberStore,
        outbox: OutboxStore,
        hints: Hints,
        provisioning: Provisioning,
        transactions: Transactions,
        *,
        clock: Clock,
        service: ServiceSettings,
        carriers: Carriers,
        notification: NotificationSettings,
        settings: SelfServiceSettings,
    ) -> None:
        self._subscribers = subscribers
        self._outbox = outbox
        self._hints = hints
        self._provisioning = provisioning
        self._transactions = transactions
        self._clock = clock
        self._owing = Owing(clock, notification)
        carrier = carriers.get(service.client.carrier)
        self._offered = carrier is not None and carrier.status.self_subscription
        self._country = settings.country_code
        self._invited_for = timedelta(minutes=settings.invitation_minutes)
        self._life = timedelta(minutes=settings.session_minutes)
        self._allowance = Allowance(clock, most=settings.requests_per_hour, within=_HOUR)

    async def open(self, mdn: str) -> str:
        """Begin for a number as the client writes it; the token of the portal.

        Raises NotInvited, TooManyRequests.
        """
        msisdn = self._number(mdn)
        if not await self._invited(msisdn):
            log.info("subscription_refused", msisdn=msisdn, reason=NotInvited.code)
            raise NotInvited
        self._allowance.take(msisdn)
        return self._transactions.issue(Step.PORTAL, msisdn, life=self._life)

    def portal(self, token: str, *, mdn: str = "") -> Portal:
        """Raises BadTransaction, also when the client says another number there."""
        msisdn = self._transactions.read(Step.PORTAL, token)
        if mdn and self._number(mdn) != msisdn:
            raise BadTransaction
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        link = self._transactions.issue(Step.SUBSCRIBE, msisdn, life=self._life, bound_to=cookie)
        return Portal(link, cookie)

    async def subscribe(self, token: str, *, cookie: str) -> None:
        """Give the number the service in status N, and owe the STATUS that says so.

        To repeat it changes nothing more.  Raises BadTransaction, and NotInvited for who was blocked or
        closed meanwhile, and for a number in quarantine.
        """
        msisdn = self._transactions.read(Step.SUBSCRIBE, token, bound_to=cookie)
        try:
            subscriber = await self._provisioning.create(msisdn, SubscriberOptions(setup_done=False))
        except SubscriberExists:
            subscriber = await self._provisioning.show(msisdn)
        except NumberQuarantined:
            raise NotInvited from None
        await self._activate(subscriber)

    async def _activate(self, subscriber: Subscriber) -> None:
        """A crash before this leaves status P: the same link again, or the next SMS, ends it."""
        try:
            status = rules.activated(subscriber.status, setup_done=subscriber.setup_done)
        except InvalidTransition:
            raise NotInvited from None
        if status is subscriber.status:
            return
        change = SubscriberChange(
            changed_at=self._clock.now(),
            decided_on=subscriber.status,
            status=status,
            trigger=Trigger.ACTIVATE,
        )
        try:
            await self._subscribers.change(subscriber.msisdn, change, [self._owing.status(subscriber)])
        except StatusMoved:
            return  # its SMS was quicker, and is answered by a STATUS of its own
        self._hints.outbox()
        self._hints.mailbox(subscriber.mailbox)
        log.info("subscriber_subscribed", msisdn=subscriber.msisdn, status=status.value)

    async def _invited(self, msisdn: Msisdn) -> bool:
        """A STATUS went out lately, and nobody is served under the number: so it said U, rc=2.

        The moment of sending counts: a handset may be here before the SMSC's answer is.
        """
        if not self._offered or await self._subscribers.by_msisdn(msisdn) is not None:
            return False
        since = self._clock.now() - self._invited_for
        return any(
            record.cause is Cause.STATUS and record.taken_at is not None and record.taken_at >= since
            for record in await self._outbox.history(msisdn, limit=_HISTORY)
        )

    def _number(self, mdn: str) -> Msisdn:
        """Raises NotInvited for what is no number: that is not the client's concern."""
        try:
            return international(mdn if mdn.startswith("+") else self._country + mdn)
        except InvalidNumber:
            raise NotInvited from None
