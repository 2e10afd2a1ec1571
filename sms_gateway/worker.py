# SPDX-License-Identifier: Apache-2.0
"""Take SMS from the outbox, give them to the routes, say what came of them.

The worker *pulls*: it leases only what the routes can send soon.  So several processes on one outbox
share the work by their speed, and one whose routes are gone leases nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial, reduce
from itertools import zip_longest
from operator import or_

import msgspec
import structlog

from sms_gateway import policy
from sms_gateway.pool import Pool, Route
from sms_gateway.port import (
    Acceptance,
    Lane,
    OutboundSms,
    Outbox,
    Outcome,
    Refused,
    Retry,
    Sent,
    Unavailable,
)
from sms_gateway.smpp import status as smpp_status

log = structlog.get_logger(__name__)


class _Job(msgspec.Struct, eq=False):
    """An SMS from its lease until it is settled."""

    route: Route | None
    """None: the last one went while the outbox was asked."""
    sms: OutboundSms
    settled: asyncio.Future[None] | None = None
    """There where somebody waits for it."""

    def end(self) -> asyncio.Future[None]:
        """Done when the SMS is settled."""
        if self.settled is None:
            self.settled = asyncio.get_running_loop().create_future()
        return self.settled


async def _ended(jobs: Collection[_Job], *, seconds: float | None = None) -> None:
    """Wait until all of these are settled, or the time is over."""
    if jobs:
        await asyncio.wait([job.end() for job in jobs], timeout=seconds)


class Worker:
    """Works for all routes of one gateway."""

    def __init__(self, pool: Pool, outbox: Outbox, *, idle_seconds: float, drain_seconds: float) -> None:
        self._pool = pool
        self._outbox = outbox
        self._idle_seconds = idle_seconds
        self._drain_seconds = drain_seconds
        self._jobs: set[_Job] = set()
        self._idle: list[asyncio.Future[_Job]] = []
        """A hand that has nothing to send waits for its next job."""
        self._unsure = False
        """An answer of the outbox was lost: it may hold SMS for us of which we know nothing."""
        self._news = asyncio.Event()
        self._patience: asyncio.Timeout | None = None
        """While the outbox is waited for: ends that wait."""

    async def run(self) -> None:
        """Send until cancelled; then finish what is in flight, or return it after ``drain_seconds``."""
        async with asyncio.TaskGroup() as group:
            pulling = [group.create_task(self._feed(group)), group.create_task(self._look_again())]
            try:
                await asyncio.Event().wait()
            finally:
                for task in pulling:
                    task.cancel()
                await self._drain()

    def wake(self) -> None:
        """A route may have room."""
        self._news.set()
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def settled(self, recipient: str) -> None:
        """Wait until nothing to this recipient is being sent.

        A receipt may overtake the submit_sm_resp that says which message it is about.  Only digits
        are compared, for many SMSCs lose the type of number on the way.
        """
        digits = recipient.lstrip("+")
        await _ended([job for job in self._jobs if job.sms.recipient.lstrip("+") == digits])

    async def _feed(self, group: asyncio.TaskGroup) -> None:
        lanes = deque(self._pool.lanes)
        while True:
            self._news.clear()
            with_room = [lane for lane in lanes if self._room(lane)]
            if not with_room:
                await self._news.wait()
                continue
            lanes.rotate()  # what two lanes share is not always the first one's
            try:
                if self._unsure:
                    self._unsure = False  # an answer that is lost meanwhile makes it unsure again
                    await self._outbox.take_back([job.sms for job in self._jobs])
                if not await self._take(with_room, group):
                    await self._wait(reduce(or_, with_room))
            except Unavailable:
                self._unsure = True
                log.warning("outbox_unavailable")
                await asyncio.sleep(self._idle_seconds)

    async def _take(self, lanes: Sequence[Lane], group: asyncio.TaskGroup) -> int:
        """Send what is due as far as there is room; how many that is.  Raises Unavailable."""
        taken = 0
        for lane in lanes:
            room = self._room(lane)
            if not room:
                continue  # the lane before this one took what they share
            batch = await self._outbox.lease(room, lane)
            routes = self._pool.share(lane, len(batch), asyncio.get_running_loop().time())
            for sms, route in zip_longest(batch, routes):
                job = _Job(route, sms)
                self._jobs.add(job)
                if self._idle:
                    self._idle.pop().set_result(job)
                else:
                    group.create_task(self._hand(job))
            taken += len(batch)
        return taken

    def _room(self, lane: Lane) -> int:
        return self._pool.room(lane, asyncio.get_running_loop().time())

    async def _wait(self, lane: Lane) -> None:
        """Until something may be due in lanes with room, or another one may have room.

        An SMS that is done with may have been in the way of the next one to its handset.  Raises Unavailable.
        """
        if self._news.is_set():
            return
        try:
            async with asyncio.timeout(None) as self._patience:
                await self._outbox.wait(timedelta(seconds=self._idle_seconds), lane)
        except TimeoutError:
            pass
        finally:
            self._patience = None

    async def _look_again(self) -> None:
        # Because an open circuit does not tell when its time is over.
        while True:
            await asyncio.sleep(self._idle_seconds)
            self.wake()

    async def _drain(self) -> None:
        for route in self._pool.routes:
            route.stop()
        await _ended(self._jobs, seconds=self._drain_seconds)
        if self._jobs:
            for route in self._pool.routes:
                route.abort()
            await _ended(self._jobs, seconds=self._drain_seconds)

    async def _hand(self, job: _Job) -> None:
        """Send one SMS after the other: a task for each would cost three times as much."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._send(job.route, job.sms)
            finally:
                self._jobs.discard(job)
                if job.settled is not None:
                    job.settled.set_result(None)
                self.wake()
            next_job: asyncio.Future[_Job] = loop.create_future()
            self._idle.append(next_job)
            job = await next_job

    async def _send(self, route: Route | None, sms: OutboundSms) -> None:
        if route is None:
            await self._settle("", sms, policy.not_sent())
            return
        try:
            outcome = await route.send(sms, partial(self._accepted, route.name, sms))
        finally:
            self._pool.done(route)
        await self._settle(route.name, sms, outcome)

    async def _settle(self, smsc: str, sms: OutboundSms, outcome: Outcome) -> None:
        if not isinstance(outcome, Sent):
            log.warning("sms_not_sent", smsc=smsc, sms=sms.id, **_told(outcome))
        while True:
            try:
                await self._outbox.settle(sms, outcome, smsc=smsc)
            except Unavailable:
                log.warning("outbox_unavailable", smsc=smsc, sms=sms.id)
            else:
                return
            if asyncio.get_running_loop().time() >= sms.held_until:
                self._unsure = True  # its lease is over, and it is sent again: at least once
                return
            await asyncio.sleep(self._idle_seconds)

    async def _accepted(self, smsc: str, sms: OutboundSms, acceptance: Acceptance) -> None:
        try:
            await self._outbox.segment_accepted(sms, acceptance, smsc=smsc)
        except Unavailable:
            # A later attempt repeats the segment, which the handset puts in the same place.
            log.warning("outbox_unavailable", smsc=smsc, sms=sms.id)


def _told(outcome: Retry | Refused) -> dict[str, object]:
    """For a log line."""
    status = None if outcome.status is None else smpp_status.shown(outcome.status)
    match outcome:
        case Retry(after=after, counted=counted):
            seconds = round(after.total_seconds(), 3)
            return {"outcome": "retry", "status": status, "again_in_seconds": seconds, "counted": counted}
        case Refused(reason=reason):
            return {"outcome": "refused", "status": status, "reason": reason}
