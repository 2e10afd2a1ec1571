# SPDX-License-Identifier: Apache-2.0
"""Gives sms_gateway its outbox and takes what handsets send."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

import structlog

from sms_gateway.port import (
    Acceptance,
    Coding,
    InboundSegment,
    InboundSms,
    Lane,
    MessageState,
    OutboundSms,
    Outcome,
    Reachable,
    Receipt,
    Refused,
    Retry,
    Sent,
    Unavailable,
    Waiting,
)
from vvm.domain import notification
from vvm.domain.clock import Clock
from vvm.domain.errors import InvalidNumber, Outage
from vvm.domain.notification import Leased
from vvm.domain.numbers import parse_msisdn
from vvm.domain.subscriber import SmsCoding
from vvm.services.notification import Notice, Notification
from vvm.services.settings import RedeliverySettings
from vvm.store import port
from vvm.store.port import Hints, InboundStore, NewInbound, NewInboundSegment, Settlement, Told

log = structlog.get_logger(__name__)

_CODINGS = {SmsCoding.OCTETS: Coding.OCTETS, SmsCoding.GSM7: Coding.GSM7, SmsCoding.UCS2: Coding.UCS2}
_ERROR_SHOWN = 20
"""Characters of what an SMSC calls the network's error: its own text, of any length."""
_SETTLEMENTS = {
    MessageState.DELIVERED: Settlement.DELIVERED,
    MessageState.EXPIRED: Settlement.EXPIRED,
    MessageState.DELETED: Settlement.FAILED,
    MessageState.UNDELIVERABLE: Settlement.FAILED,
    MessageState.REJECTED: Settlement.FAILED,
}


class NotificationMetrics(Protocol):
    """Facts worth counting."""

    def told(self, row: Leased, smsc: str, at: datetime) -> None:
        """An SMSC took the whole SMS."""
        ...

    def delivered(self, told: Told, smsc: str, at: datetime) -> None:
        """The SMSC reported that the phone has it."""
        ...


class NotificationOutbox:
    """sms_gateway.port.Outbox over services.notification."""

    def __init__(
        self,
        notification: Notification,
        *,
        clock: Clock,
        metrics: NotificationMetrics | None = None,
    ) -> None:
        self._notification = notification
        self._holder = ""
        self._clock = clock
        self._metrics = metrics
        self._leased: dict[int, Notice] = {}
        """By the number of the lease: a row whose lease is over may be in our hands twice."""
        self._leases = count(1)

    async def hold(self, name: str) -> None:
        """Lease under this name from now on, and take back what was leased under it.  Raises Outage."""
        await self._notification.take_back(name)
        self._holder = name

    async def lease(self, limit: int, lane: Lane) -> Sequence[OutboundSms]:
        # From before the store is asked: a process that sleeps in between finds its leases over.
        held_until = asyncio.get_running_loop().time() + self._notification.hold.total_seconds()
        try:
            notices = await self._notification.lease(limit, holder=self._holder, lane=_meant(lane))
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        leased = {next(self._leases): notice for notice in notices}
        self._leased |= leased
        return [_outbound(notice, held_until, lease) for lease, notice in leased.items()]

    async def take_back(self, in_hands: Collection[OutboundSms]) -> None:
        """Without a name nothing is known to be ours, and every lease runs to its end."""
        known = {sms.lease for sms in in_hands}
        self._leased = {lease: notice for lease, notice in self._leased.items() if lease in known}
        try:
            if self._holder:
                await self._notification.take_back(self._holder, but={sms.id for sms in in_hands})
        except Outage as outage:
            raise Unavailable(outage.code) from outage

    async def segment_accepted(self, sms: OutboundSms, acceptance: Acceptance, *, smsc: str) -> None:
        notice = self._leased.get(sms.lease)
        if notice is None:
            return  # taken back: the segment will be sent again
        try:
            await self._notification.accepted(notice.row, _noted(acceptance, smsc))
        except Outage as outage:
            raise Unavailable(outage.code) from outage

    async def settle(self, sms: OutboundSms, outcome: Outcome, *, smsc: str) -> None:
        notice = self._leased.get(sms.lease)
        if notice is None:
            return
        row = notice.row
        try:
            match outcome:
                case Sent(last=last):
                    noted = None if last is None else _noted(last, smsc)
                    await self._notification.sent(notice, smsc=smsc, last=noted)
                    if self._metrics is not None:
                        self._metrics.told(row, smsc, self._clock.now())
                case Retry(after=after, status=status, counted=counted):
                    await self._notification.retry(row, after=after, smpp_status=status, counted=counted)
                case Refused(status=status):
                    await self._notification.failed(row, smpp_status=status)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        self._leased.pop(sms.lease, None)  # it may have been taken back meanwhile

    async def receipt(self, receipt: Receipt) -> None:
        settlement = _SETTLEMENTS.get(receipt.state)
        if settlement is None or not receipt.message_id:
            return
        message_id = _known_as(receipt.smsc, receipt.message_id)
        try:
            reported = await self._notification.receipt(message_id, settlement)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        if settlement is not Settlement.DELIVERED:
            log.warning(
                "sms_not_delivered",
                smsc=receipt.smsc,
                msisdn=receipt.recipient,
                state=receipt.state.value,
                error=receipt.error[:_ERROR_SHOWN],
            )
        if reported is None:
            log.info("receipt_unmatched", smsc=receipt.smsc, state=receipt.state.value)
        elif reported.closed is not None and settlement is Settlement.DELIVERED and self._metrics is not None:
            self._metrics.delivered(reported.closed, receipt.smsc, self._clock.now())

    async def wait(self, timeout: timedelta, lane: Lane) -> None:  # noqa: ASYNC109 - the port's name
        try:
            await self._notification.moved(timeout, _meant(lane))
        except Outage as outage:
            raise Unavailable(outage.code) from outage


class InboundQueue:
    """sms_gateway.port.Inbox: an SMS is on disk before it is acknowledged, and settled later."""

    def __init__(
        self,
        inbound: InboundStore,
        hints: Hints,
        notification: Notification,
        *,
        redelivery: RedeliverySettings,
    ) -> None:
        self._inbound = inbound
        self._notification = notification
        self._hints = hints
        self._redelivery = redelivery

    async def segment(self, segment: InboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        try:
            return await self._inbound.save_segment(
                NewInboundSegment(
                    key=segment.key,
                    handset=segment.handset,
                    number=segment.number,
                    total=segment.total,
                    octets=segment.octets,
                    received_at=segment.received_at,
                    expires_at=segment.expires_at,
                ),
                limit=limit,
                each=each,
            )
        except Outage as outage:
            raise Unavailable(outage.code) from outage

    async def received(self, sms: InboundSms) -> None:
        seconds = self._redelivery.named_seconds if sms.named else self._redelivery.seconds
        try:
            new = await self._inbound.save(
                NewInbound(
                    key=sms.deduplication_key,
                    originator=sms.originator,
                    destination=sms.destination,
                    text=sms.text or "",
                    received_at=sms.received_at,
                    segments_key=sms.segments_key,
                    named=sms.named,
                    repeats_since=sms.received_at - timedelta(seconds=seconds),
                )
            )
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        if new:
            self._hints.inbound()
        else:
            log.info("client_sms_repeated", smsc=sms.smsc, msisdn=sms.originator)

    async def reachable(self, hint: Reachable) -> None:
        try:
            await self._notification.reachable(parse_msisdn(hint.handset))
        except InvalidNumber:
            log.warning("handset_reachable_ignored", smsc=hint.smsc, reason="not an international number")
        except Outage as outage:
            raise Unavailable(outage.code) from outage


def _noted(acceptance: Acceptance, smsc: str) -> port.Acceptance:
    return port.Acceptance(acceptance.segment, acceptance.total, _known_as(smsc, acceptance.message_id))


def _known_as(smsc: str, message_id: str) -> str:
    """A message id that no other SMSC gives; none stays none."""
    return f"{smsc}:{message_id}" if message_id else ""


def _meant(lane: Lane) -> notification.Lane:
    return notification.Lane(lane.carriers, lane.others)


def _outbound(notice: Notice, held_until: float, lease: int) -> OutboundSms:
    row = notice.row
    return OutboundSms(
        id=row.id,
        recipient=row.recipient,
        source=notice.source,
        text=notice.text,
        coding=_CODINGS[notice.coding],
        port=notice.port,
        reference=row.id % 65536,
        validity=notice.validity,
        attempt=row.attempt - 1,
        # Every attempt sends all: another route may cut the text elsewhere, and the text itself may
        # have changed.  A segment that comes twice takes the place of its twin in the handset.
        accepted=frozenset(),
        held_until=held_until,
        lease=lease,
        carrier=row.carrier,
        waiting=None if notice.waiting is None else Waiting(notice.waiting),
    )
