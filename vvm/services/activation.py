# SPDX-License-Identifier: Apache-2.0
"""A handset asks by SMS: Activate, Deactivate, STATUS (OMTP 1.3 2.9.2)."""

from __future__ import annotations

import msgspec
import structlog

from vvm.domain import provisioning as rules
from vvm.domain.clock import Clock
from vvm.domain.errors import InvalidNumber, InvalidTransition, StatusMoved, UnknownSubscriber
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus, Subscriber
from vvm.omtp.client import (
    Activate,
    ClientRequest,
    Deactivate,
    StateRequest,
    StatusRequest,
    UnknownRequest,
    parse_client_sms,
)
from vvm.omtp.dialects import DEFAULT_PREFIX
from vvm.omtp.status import ReturnCode
from vvm.services.owing import Owing
from vvm.services.retelling import Retelling
from vvm.services.settings import NotificationSettings
from vvm.store.port import Hints, Inbound, InboundStore, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)

_BATCH = 100
_STANDARD = frozenset({Dialect.OMTP, Dialect.CVVM})
"""Both begin with the same prefix."""


class Reaction(msgspec.Struct, frozen=True):
    """What a request does to a subscriber, and the return code that STATUS carries."""

    return_code: ReturnCode
    status: ProvisioningStatus | None = None
    """The new provisioning status; None when it stays."""
    client: ClientProfile | None = None
    """What the request taught us of the client; None when nothing."""


def react(request: ClientRequest, subscriber: Subscriber) -> Reaction:
    """Decide, without effects.  A refused request changes nothing (OMTP 1.3 2.9.2.2).

    A STATUS of VVM3 is its activation too, as it has no other SMS (sheet 14.1).
    """
    status, dialect = subscriber.status, subscriber.client.dialect
    waits_for_activation = status is ProvisioningStatus.PROVISIONED and dialect is Dialect.VVM3
    if isinstance(request, StatusRequest) and not waits_for_activation:
        return Reaction(ReturnCode.SUCCESS)
    try:
        if isinstance(request, Deactivate):
            return Reaction(ReturnCode.SUCCESS, rules.deactivated(status))
        client = learned(request, subscriber.client) if isinstance(request, Activate) else None
        activated = rules.activated(status, setup_done=subscriber.setup_done)
        return Reaction(ReturnCode.SUCCESS, activated, client)
    except InvalidTransition:
        return Reaction(ReturnCode.NOT_PROVISIONED)


def learned(request: Activate, client: ClientProfile) -> ClientProfile:
    """The profile after Activate: what the request does not say stays (AOSP says neither port nor prefix).

    The SIM may be in a phone of another dialect now, which then has no use for the old prefix.
    """
    dialect = _dialect(request, client)
    kept = client.prefix if dialect is client.dialect or client.dialect in _STANDARD else DEFAULT_PREFIX
    return msgspec.structs.replace(
        client,
        dialect=dialect,
        protocol_version=client.protocol_version
        if request.protocol_version is None
        else request.protocol_version,
        client_type=request.client_type or client.client_type,
        port=client.port if request.port is None else request.port,
        prefix=request.prefix or kept,
    )


def _dialect(request: Activate, client: ClientProfile) -> Dialect:
    """``pv=`` is OMTP's word, ``dt=`` alone is CVVM's (sheet 5.2)."""
    if request.protocol_version is not None:
        return Dialect.OMTP
    return client.dialect if request.device_type is None else Dialect.CVVM


class Activation:
    """Settles the SMS that were saved: state change and STATUS in one transaction, exactly once.

    A crash before that leaves the SMS pending, and the next run takes it again.
    """

    def __init__(
        self,
        inbound: InboundStore,
        subscribers: SubscriberStore,
        hints: Hints,
        retelling: Retelling,
        *,
        clock: Clock,
        settings: NotificationSettings,
    ) -> None:
        self._inbound = inbound
        self._subscribers = subscribers
        self._hints = hints
        self._retelling = retelling
        self._clock = clock
        self._owing = Owing(clock, settings)

    async def drain(self) -> int:
        """Settle what waits, oldest first, up to a batch.  Answers how many."""
        pending = await self._inbound.pending(limit=_BATCH)
        for sms in pending:
            try:
                await self._settle(sms)
            except (UnknownSubscriber, StatusMoved) as moved:
                # Not what we decided on any more: the SMS stays pending, and the next round decides again.
                log.info("client_sms_deferred", reason=moved.code)
        return len(pending)

    async def _settle(self, sms: Inbound) -> None:
        request = parse_client_sms(sms.text)
        try:
            msisdn = parse_msisdn(sms.originator)
        except InvalidNumber:
            log.warning("client_sms_ignored", reason="originator is not an international number")
            await self._inbound.settle(sms.id, msisdn=None, change=None, owed=())
            return
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if isinstance(request, UnknownRequest) or not _spoken(request, subscriber):
            kind = type(request).__name__  # never the text: a subscriber may have written it to a person
            log.warning("client_sms_ignored", reason="not spoken here", msisdn=msisdn, request=kind)
            await self._inbound.settle(sms.id, msisdn=None, change=None, owed=())
            return
        reaction = Reaction(ReturnCode.MAILBOX_UNKNOWN) if subscriber is None else react(request, subscriber)
        await self._inbound.settle(
            sms.id,
            msisdn=msisdn if subscriber else None,
            change=self._change(request, reaction, subscriber, msisdn) if subscriber else None,
            owed=[self._owing.reply(msisdn, subscriber, reaction.return_code)],
        )
        self._hints.outbox()
        await self._retelling.seen(msisdn)
        log.info(
            "client_sms_settled",
            msisdn=msisdn,
            request=type(request).__name__,
            return_code=int(reaction.return_code),
            status=None if reaction.status is None else reaction.status.value,
        )

    def _change(
        self, request: ClientRequest, reaction: Reaction, subscriber: Subscriber, originator: Msisdn
    ) -> SubscriberChange | None:
        if reaction.status is None and reaction.client is None:
            return None
        client = reaction.client
        if client is not None:
            client = msgspec.structs.replace(
                client, number="" if originator == subscriber.msisdn else originator
            )
        return SubscriberChange(
            changed_at=self._clock.now(),
            decided_on=subscriber.status,
            status=reaction.status,
            client=client,
            trigger=Trigger.DEACTIVATE if isinstance(request, Deactivate) else Trigger.ACTIVATE,
        )


def _spoken(request: ClientRequest, subscriber: Subscriber | None) -> bool:
    """Apple's beacon is for those only whose client the operator says to be Apple's."""
    if not isinstance(request, StateRequest):
        return True
    return subscriber is not None and subscriber.client.dialect is Dialect.APPLE
