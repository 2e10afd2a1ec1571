# SPDX-License-Identifier: Apache-2.0
"""What the SMSC delivers: SMS from handsets, receipts, and word of who is reachable again.

Whatever is acknowledged has been kept: by the inbox, or by the outbox if it is a receipt.  What
makes no sense is acknowledged too, and counted, because the SMSC would send it for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from sms_gateway import receipts, user_data
from sms_gateway.esme import Delivery
from sms_gateway.port import (
    Clock,
    InboundSegment,
    InboundSms,
    Inbox,
    Metrics,
    Outbox,
    Reachable,
    Receipt,
    Unavailable,
)
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import Address, Alert, DataSm, Sm
from sms_gateway.smpp.status import Status
from sms_gateway.smpp.tlv import Tag
from sms_gateway.text import coding
from sms_gateway.text.udh import BadHeader, Concatenation

log = structlog.get_logger(__name__)

_INTERNATIONAL = 1
"""Type of number (SMPP 3.4 section 5.2.5)."""
_REACHABLE = {None, 0}
"""ms_availability_status (section 5.3.2.30): 1 is denied, 2 unavailable; most SMSCs leave it out."""


class Receiver:
    """Answers one SMSC; ``settled`` waits until nothing to a recipient is being sent."""

    def __init__(
        self,
        settings: SmscSettings,
        outbox: Outbox,
        inbox: Inbox,
        *,
        settled: Callable[[str], Awaitable[None]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._inbox = inbox
        self._settled = settled
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, sm: Delivery) -> int:
        """Keep what was delivered; returns the command_status of the answer, if it has one.

        ROK for what is kept or is garbage, ESME_RX_T_APPN for what the SMSC must deliver again.
        """
        try:
            async with asyncio.timeout(self._settings.inbox_seconds):
                if isinstance(sm, Alert):
                    return await self._alert(sm)
                if receipts.is_receipt(sm):
                    return await self._receipt(sm)
                return await self._message(sm)
        except (Unavailable, TimeoutError):
            log.warning("inbound_not_kept", smsc=self._settings.name)
        except Exception:
            # A bug that one message wakes must not cost the link of all others.  The SMSC keeps the
            # message and delivers it again, so nothing is lost while the bug is being fixed.
            log.exception("inbound_failed", smsc=self._settings.name)
        self._metrics.inbound(self._settings.name, "refused")
        return Status.RX_T_APPN

    async def _receipt(self, sm: Sm | DataSm) -> int:
        octets = user_data.octets_of(sm)
        report = receipts.read(sm, octets)
        receipt = Receipt(
            smsc=self._settings.name,
            message_id=receipts.normal_id(report.message_id, self._settings.receipt_id_form),
            state=report.state,
            error=report.error,
            recipient=number(sm.source),
            received_at=self._clock.now(),
            octets=octets,
        )
        await self._settled(receipt.recipient)
        await self._outbox.receipt(receipt)
        self._metrics.receipt(self._settings.name, receipt.state)
        return Status.ROK

    async def _message(self, sm: Sm | DataSm) -> int:
        try:
            header, octets = user_data.read(sm)
        except BadHeader as error:
            log.warning("inbound_garbage", smsc=self._settings.name, reason=str(error))
            self._metrics.inbound(self._settings.name, "garbage")
            return Status.ROK
        now = self._clock.now()
        part, segments_key = header.concatenation, ""
        if part is not None and part.total > 1:
            segments_key = self._digest(sm, str(part.reference), str(part.total))
            octets = await self._join(part, segments_key, octets, now)
            if not octets:
                self._metrics.inbound(self._settings.name, "segment")
                return Status.ROK
        port = header.ports.destination if header.ports else None
        await self._inbox.received(
            InboundSms(
                smsc=self._settings.name,
                originator=number(sm.source),
                destination=number(sm.destination),
                text=coding.text(octets, sm.data_coding),
                octets=octets,
                coding=coding.of(sm.data_coding),
                port=port,
                received_at=now,
                deduplication_key=self._digest(sm, str(port), octets.hex()),
                segments_key=segments_key,
            )
        )
        self._metrics.inbound(self._settings.name, "accepted")
        return Status.ROK

    async def _alert(self, alert: Alert) -> int:
        if tlv.find_number(alert.tlvs, Tag.AVAILABILITY) in _REACHABLE:
            hint = Reachable(self._settings.name, number(alert.handset), self._clock.now())
            await self._inbox.reachable(hint)
        return Status.ROK

    async def _join(self, part: Concatenation, key: str, octets: bytes, now: datetime) -> bytes:
        """Nothing while segments are missing."""
        segment = InboundSegment(
            key=key,
            number=part.number,
            total=part.total,
            octets=octets,
            received_at=now,
            expires_at=now + timedelta(seconds=self._settings.partial_seconds),
        )
        return b"".join(await self._inbox.segment(segment, limit=self._settings.partial_limit))

    def _digest(self, sm: Sm | DataSm, *others: str) -> str:
        parts = (self._settings.name, sm.source.digits.hex(), sm.destination.digits.hex(), *others)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def number(address: Address) -> str:
    """With ``+`` where the type of number says that it is international, else as received."""
    digits = address.digits.decode("latin-1")
    return f"+{digits}" if address.ton == _INTERNATIONAL and not digits.startswith("+") else digits
