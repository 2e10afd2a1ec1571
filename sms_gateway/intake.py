# SPDX-License-Identifier: Apache-2.0
"""Hand SMS from handsets to the inbox, whichever transport brought them.

Whatever is acknowledged has been kept.  What makes no sense is acknowledged too, and counted,
because the SMSC would send it for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from sms_gateway.port import (
    Clock,
    Coding,
    InboundSegment,
    InboundSms,
    Inbox,
    Metrics,
    Unavailable,
)
from sms_gateway.text.udh import BadHeader, Concatenation, Header

log = structlog.get_logger(__name__)


class IntakeLimits(msgspec.Struct, frozen=True):
    """How much, and how long, handsets may keep the inbox busy."""

    inbox_seconds: float
    partial_limit: int
    partial_each: int
    partial_segments: int
    partial_seconds: float


class Delivered(msgspec.Struct, frozen=True):
    """What one delivery brought: an SMS, or a segment of one."""

    originator: str
    destination: str
    header: Header
    octets: bytes
    coding: Coding
    text_of: Callable[[bytes], str | None]
    """Reads the octets of the whole SMS."""
    reference: str = ""
    """What tells it from another with the same octets; empty where nothing does."""


class Intake:
    """For one SMSC."""

    def __init__(
        self, smsc: str, inbox: Inbox, limits: IntakeLimits, *, clock: Clock, metrics: Metrics
    ) -> None:
        self._smsc = smsc
        self._inbox = inbox
        self._limits = limits
        self._clock = clock
        self._metrics = metrics

    async def kept(self, keeping: Awaitable[None]) -> bool:
        """Let something be kept within ``inbox_seconds``.  False: it must be delivered again."""
        try:
            async with asyncio.timeout(self._limits.inbox_seconds):
                await keeping
        except BadHeader as error:
            log.warning("inbound_garbage", smsc=self._smsc, reason=str(error))
            self._metrics.inbound(self._smsc, "garbage")
        except (Unavailable, TimeoutError):
            log.warning("inbound_not_kept", smsc=self._smsc)
            return self._refused()
        except Exception:
            # A bug that one message wakes must not cost the link of all others.  The SMSC keeps the
            # message and delivers it again, so nothing is lost while the bug is being fixed.
            log.exception("inbound_failed", smsc=self._smsc)
            return self._refused()
        return True

    async def take(self, delivered: Delivered) -> None:
        """Keep it, and hand the SMS over once it is whole.

        Raises Unavailable, and BadHeader for an SMS of more segments than we wait for.
        """
        now = self._clock.now()
        header, octets = delivered.header, delivered.octets
        part, segments_key, reference = header.concatenation, "", delivered.reference
        if part is not None and part.total > 1:
            handset = self._digest(delivered)
            segments_key = handset + self._digest(delivered, str(part.reference), str(part.total))
            reference = str(part.reference or "")
            octets = await self._join(part, segments_key, handset, octets, now)
            if not octets:
                self._metrics.inbound(self._smsc, "segment")
                return
        port = header.ports.destination if header.ports else None
        await self._inbox.received(
            InboundSms(
                smsc=self._smsc,
                originator=delivered.originator,
                destination=delivered.destination,
                text=delivered.text_of(octets),
                octets=octets,
                coding=delivered.coding,
                port=port,
                received_at=now,
                deduplication_key=self._digest(delivered, str(port), octets.hex(), reference),
                named=bool(reference),
                segments_key=segments_key,
            )
        )
        self._metrics.inbound(self._smsc, "accepted")

    async def _join(self, part: Concatenation, key: str, handset: str, octets: bytes, now: datetime) -> bytes:
        """Nothing while segments are missing.  Raises BadHeader, Unavailable."""
        limits = self._limits
        if part.total > limits.partial_segments:
            raise BadHeader(f"{part.total} segments")
        segment = InboundSegment(
            key=key,
            handset=handset,
            number=part.number,
            total=part.total,
            octets=octets,
            received_at=now,
            expires_at=now + timedelta(seconds=limits.partial_seconds),
        )
        pieces = await self._inbox.segment(segment, limit=limits.partial_limit, each=limits.partial_each)
        return b"".join(pieces)

    def _digest(self, delivered: Delivered, *others: str) -> str:
        parts = (self._smsc, delivered.originator, delivered.destination, *others)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _refused(self) -> bool:
        self._metrics.inbound(self._smsc, "refused")
        return False
