# SPDX-License-Identifier: Apache-2.0
"""An outbox and an inbox in memory, for tests and for load: they remember all that happened."""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from itertools import count

import msgspec

from sms_gateway.port import (
    Acceptance,
    InboundSegment,
    InboundSms,
    Lane,
    OutboundSms,
    Outcome,
    Reachable,
    Receipt,
    Refused,
    Retry,
    Sent,
    Unavailable,
)
from sms_gateway.text.reassembly import Reassembly

_Due = tuple[float, int, OutboundSms]


class Accepted(msgspec.Struct, frozen=True):
    """One segment that an SMSC took."""

    sms: int
    segment: int
    total: int
    message_id: str
    smsc: str = "main"


class MemoryOutbox:
    """Leases never run out here: what is not settled stays out.

    ``available`` False makes every call raise Unavailable.
    """

    def __init__(self) -> None:
        self._order = count()
        self._due: defaultdict[str, list[_Due]] = defaultdict(list)
        """By carrier."""
        self._news = asyncio.Event()
        self.available = True
        self.answers_lost = 0
        """So many leases more are made of which nobody hears."""
        self.unheard = 0
        """So many settlements more do not come through."""
        self.taken_back = 0
        """How many SMS were."""
        self.leased: dict[int, OutboundSms] = {}
        self.outcomes: list[tuple[int, Outcome]] = []
        self.accepted: list[Accepted] = []
        self.receipts: list[Receipt] = []

    def put(self, *messages: OutboundSms) -> None:
        """Owe these from now on."""
        for sms in messages:
            self._push(0.0, sms)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that happened here makes the condition true."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def settled(self, sms: int) -> Outcome:
        """Wait for the last word on an SMS: Sent or Refused."""

        def last() -> Outcome | None:
            finals = (o for number, o in self.outcomes if number == sms and isinstance(o, Sent | Refused))
            return next(finals, None)

        await self.until(lambda: last() is not None)
        outcome = last()
        assert outcome is not None  # noqa: S101 - what until() waited for; tells the type checker
        return outcome

    async def lease(self, limit: int, lane: Lane) -> Sequence[OutboundSms]:
        self._check()
        now = asyncio.get_running_loop().time()
        batch: list[OutboundSms] = []
        while len(batch) < limit and (heaps := self._heaps(lane)) and (earliest := min(heaps))[0][0] <= now:
            _, _, sms = heapq.heappop(earliest)
            self.leased[sms.id] = sms
            batch.append(sms)
        self._news.set()
        if batch and self.answers_lost:
            self.answers_lost -= 1
            raise Unavailable
        return batch

    async def take_back(self, in_hands: Collection[OutboundSms]) -> None:
        self._check()
        known = {sms.id for sms in in_hands}
        for number in self.leased.keys() - known:
            self._push(0.0, self.leased.pop(number))
            self.taken_back += 1
        self._news.set()

    async def segment_accepted(self, sms: OutboundSms, acceptance: Acceptance, *, smsc: str) -> None:
        self._check()
        self._accept(sms, acceptance, smsc)
        leased = self.leased[sms.id]
        accepted = leased.accepted | {acceptance.segment}
        self.leased[sms.id] = msgspec.structs.replace(leased, accepted=accepted)
        self._news.set()

    async def settle(self, sms: OutboundSms, outcome: Outcome, *, smsc: str) -> None:
        self._check()
        if self.unheard:
            self.unheard -= 1
            raise Unavailable
        if isinstance(outcome, Sent) and outcome.last is not None:
            self._accept(sms, outcome.last, smsc)
            outcome = Sent()  # ``accepted`` has the rest
        leased = self.leased.pop(sms.id)
        self.outcomes.append((sms.id, outcome))
        if isinstance(outcome, Retry):
            again = msgspec.structs.replace(leased, attempt=leased.attempt + outcome.counted)
            self._push(asyncio.get_running_loop().time() + outcome.after.total_seconds(), again)
        self._news.set()

    async def receipt(self, receipt: Receipt) -> None:
        self._check()
        self.receipts.append(receipt)
        self._news.set()

    async def wait(self, timeout: timedelta, lane: Lane) -> None:  # noqa: ASYNC109 - as the port says
        seconds = timeout.total_seconds()
        if heaps := self._heaps(lane):
            seconds = min(seconds, min(heaps)[0][0] - asyncio.get_running_loop().time())
        self._news.clear()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._news.wait()
        except TimeoutError:
            return

    def _accept(self, sms: OutboundSms, taken: Acceptance, smsc: str) -> None:
        self.accepted.append(Accepted(sms.id, taken.segment, taken.total, taken.message_id, smsc))

    def _push(self, due: float, sms: OutboundSms) -> None:
        heapq.heappush(self._due[sms.carrier], (due, next(self._order), sms))

    def _heaps(self, lane: Lane) -> list[list[_Due]]:
        """Of the carriers of a lane that are owed something."""
        return [heap for carrier, heap in self._due.items() if heap and carrier in lane]

    def _check(self) -> None:
        if not self.available:
            raise Unavailable


class MemoryInbox:
    """``available`` False makes it raise Unavailable."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self.available = True
        self.messages: list[InboundSms] = []
        self.partials = Reassembly()
        self.hints: list[Reachable] = []

    async def segment(self, segment: InboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        if not self.available:
            raise Unavailable
        return self.partials.add(segment, limit=limit, each=each)

    async def received(self, sms: InboundSms) -> None:
        if not self.available:
            raise Unavailable
        self.messages.append(sms)
        self.partials.forget(sms.segments_key)
        self._news.set()

    async def reachable(self, hint: Reachable) -> None:
        self.hints.append(hint)
        self._news.set()

    async def wait_hints(self, number: int) -> list[Reachable]:
        """Wait until so many handsets were reported, and return all hints."""
        while len(self.hints) < number:
            self._news.clear()
            await self._news.wait()
        return self.hints

    async def wait_messages(self, number: int) -> list[InboundSms]:
        """Wait until so many SMS came, and return all of them."""
        while len(self.messages) < number:
            self._news.clear()
            await self._news.wait()
        return self.messages
