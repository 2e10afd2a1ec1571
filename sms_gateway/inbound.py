# SPDX-License-Identifier: Apache-2.0
"""What the SMSC delivers: SMS from handsets, and receipts.

Whatever is acknowledged has been kept: by the inbox, or by the outbox if it is a receipt.  What
makes no sense is acknowledged too, and counted, because the SMSC would send it for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from sms_gateway import receipts
from sms_gateway.port import Clock, InboundSms, Inbox, Metrics, Outbox, Receipt, Unavailable
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import Address, DataSm, Sm
from sms_gateway.smpp.status import Status
from sms_gateway.smpp.tlv import Tag
from sms_gateway.text import coding, udh
from sms_gateway.text.reassembly import Key, Reassembly
from sms_gateway.text.udh import Concatenation, Header

log = structlog.get_logger(__name__)

_INTERNATIONAL = 1
"""Type of number (SMPP 3.4 section 5.2.5)."""


class _Whole(msgspec.Struct, frozen=True):
    """User data with its segments joined."""

    octets: bytes
    port: int | None
    key: Key | None


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
        self._reassembly = Reassembly(
            limit=settings.partial_limit, keep=timedelta(seconds=settings.partial_seconds)
        )

    async def __call__(self, sm: Sm | DataSm) -> int:
        """Keep what was delivered; returns the command_status of the answer.

        ROK for what is kept or is garbage, ESME_RX_T_APPN for what the SMSC must deliver again.
        """
        try:
            async with asyncio.timeout(self._settings.inbox_seconds):
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
        octets = user_data(sm)
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
        now = self._clock.now()
        try:
            whole = self._join(sm, now)
        except udh.BadHeader as error:
            log.warning("inbound_garbage", smsc=self._settings.name, reason=str(error))
            self._metrics.inbound(self._settings.name, "garbage")
            return Status.ROK
        if whole is None:
            self._metrics.inbound(self._settings.name, "segment")
            return Status.ROK
        await self._inbox.received(
            InboundSms(
                smsc=self._settings.name,
                originator=number(sm.source),
                destination=number(sm.destination),
                text=coding.text(whole.octets, sm.data_coding),
                octets=whole.octets,
                coding=coding.of(sm.data_coding),
                port=whole.port,
                received_at=now,
                deduplication_key=self._deduplication_key(sm, whole),
            )
        )
        if whole.key is not None:
            self._reassembly.forget(whole.key)
        self._metrics.inbound(self._settings.name, "accepted")
        return Status.ROK

    def _join(self, sm: Sm | DataSm, now: datetime) -> _Whole | None:
        """None while segments are missing.  Raises BadHeader."""
        octets = user_data(sm)
        header = Header()
        if sm.esm_class & udh.UDHI:
            header, octets = udh.decode(octets)
        port = header.ports.destination if header.ports else None
        if port is None:
            port = tlv.find_number(sm.tlvs, Tag.DESTINATION_PORT)
        part = header.concatenation or _segmentation(sm)
        if part is None or part.total == 1:
            return _Whole(octets, port, None)
        key = Key(sm.source.digits, sm.destination.digits, part.reference, part.total)
        joined = self._reassembly.add(key, part, octets, now)
        return None if joined is None else _Whole(joined, port, key)

    def _deduplication_key(self, sm: Sm | DataSm, whole: _Whole) -> str:
        parts = (self._settings.name.encode(), sm.source.digits, str(whole.port).encode(), whole.octets)
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def user_data(sm: Sm | DataSm) -> bytes:
    """short_message, or the message_payload TLV where that is empty (SMPP 3.4 section 5.3.2.32)."""
    short = sm.short_message if isinstance(sm, Sm) else b""
    return short or tlv.find(sm.tlvs, Tag.MESSAGE_PAYLOAD) or b""


def number(address: Address) -> str:
    """With ``+`` where the type of number says that it is international, else as received."""
    digits = address.digits.decode("latin-1")
    return f"+{digits}" if address.ton == _INTERNATIONAL and not digits.startswith("+") else digits


def _segmentation(sm: Sm | DataSm) -> Concatenation | None:
    """The sar TLVs say what the header would (SMPP 3.4 sections 5.3.2.22 to 5.3.2.24)."""
    reference = tlv.find_number(sm.tlvs, Tag.SAR_REFERENCE)
    total = tlv.find_number(sm.tlvs, Tag.SAR_TOTAL)
    segment = tlv.find_number(sm.tlvs, Tag.SAR_NUMBER)
    if reference is None or total is None or segment is None or not 1 <= segment <= total:
        return None
    return Concatenation(reference, total, segment)
