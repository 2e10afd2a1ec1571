# SPDX-License-Identifier: Apache-2.0
"""The one use case that capture calls, and what to do when it says no.

Both sources of messages, ARI's recordings and app_voicemail's spool, keep a message until the service
has committed it; this is where they agree on when that is, and on what happens otherwise.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import MessageTooShort, Outage, Refusal
from vvm.domain.message import Envelope
from vvm.domain.numbers import Msisdn
from vvm.fronts.asterisk.names import discreet
from vvm.services.deposit import Depositor

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What became of one try.  The first two let go of the source."""

    DELIVERED = "delivered"
    WORTHLESS = "worthless"
    """Too short or silent: there is nothing to keep."""
    REFUSED = "refused"
    """Kept where it is, for the operator; tried again, but not soon."""
    POSTPONED = "postponed"
    """The service is not able to take it now; tried again at the next look."""

    @property
    def settled(self) -> bool:
        """The source may be deleted."""
        return self in {Outcome.DELIVERED, Outcome.WORTHLESS}


class Delivery:
    """Hands messages to the service, each under a key that stays the same through every retry.

    A refusal (unknown subscriber, mailbox full, unreadable audio) may be healed by the operator or by
    the subscriber, so the message is kept; it is logged at its first refusal and asked again only
    every ``retry_after``.  ``counts`` says what happened since the start.
    """

    def __init__(self, deposit: Depositor, clock: Clock, *, retry_after: timedelta, seconds: float) -> None:
        self._deposit = deposit
        self._clock = clock
        self._retry_after = retry_after
        self._seconds = seconds
        self._refused: dict[str, datetime] = {}
        self.counts: Counter[Outcome] = Counter()

    def is_due(self, key: str) -> bool:
        """False while a refusal is too fresh to ask again."""
        retry_at = self._refused.get(key)
        return retry_at is None or retry_at <= self._clock.now()

    async def deliver(self, key: str, recipient: Msisdn, audio: bytes, envelope: Envelope) -> Outcome:
        """Try once.  Never raises for what the service says."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._deposit(recipient, audio, envelope, key=key)
        except MessageTooShort:
            log.info("message_dropped", key=discreet(key), reason=MessageTooShort.code)
            return self._count(key, Outcome.WORTHLESS)
        except Refusal as refusal:
            return self.refuse(key, refusal.code)
        except (Outage, TimeoutError) as error:
            log.warning("deposit_postponed", key=discreet(key), reason=getattr(error, "code", "timeout"))
            return self._count(key, Outcome.POSTPONED)
        except Exception:
            # A defect met by one message must not hold up those behind it; the message is kept.
            log.exception("deposit_failed", key=discreet(key))
            return self.refuse(key, "internal")
        return self._count(key, Outcome.DELIVERED)

    def refuse(self, key: str, code: str) -> Outcome:
        """Note that this message cannot be taken; log it the first time."""
        if key not in self._refused:
            log.warning("message_refused", key=discreet(key), reason=code)
        self._refused[key] = self._clock.now() + self._retry_after
        self.counts[Outcome.REFUSED] += 1
        return Outcome.REFUSED

    def forget_all_but(self, prefix: str, present: set[str]) -> None:
        """Drop the memory of refused keys under the prefix whose source is gone."""
        for key in [key for key in self._refused if key.startswith(prefix) and key not in present]:
            del self._refused[key]

    def _count(self, key: str, outcome: Outcome) -> Outcome:
        self._refused.pop(key, None)
        self.counts[outcome] += 1
        return outcome
