# SPDX-License-Identifier: Apache-2.0
"""Take SMS from the outbox, give them to the routes, say what came of them.

The worker *pulls*: it leases only what the routes can send soon.  So several processes on one outbox
share the work by their speed, and one whose routes are gone leases nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import zip_longest

import structlog

from sms_gateway import policy
from sms_gateway.pool import Pool, Route
from sms_gateway.port import OutboundSms, Outbox, Outcome, Sent, Unavailable

log = structlog.get_logger(__name__)


class Worker:
    """Works for all routes of one gateway."""

    def __init__(self, pool: Pool, outbox: Outbox, *, idle_seconds: float, drain_seconds: float) -> None:
        self._pool = pool
        self._outbox = outbox
        self._idle_seconds = idle_seconds
        self._drain_seconds = drain_seconds
        self._sending: dict[asyncio.Task[None], str] = {}
        self._news = asyncio.Event()

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

    async def settled(self, recipient: str) -> None:
        """Wait until nothing to this recipient is being sent.

        A receipt may overtake the submit_sm_resp that says which message it is about.  Only digits
        are compared, for many SMSCs lose the type of number on the way.
        """
        digits = recipient.lstrip("+")
        sending = [task for task, number in self._sending.items() if number == digits]
        if sending:
            await asyncio.wait(sending)

    async def _feed(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            room = self._pool.room(loop.time())
            if not room:
                await self._news.wait()
                continue
            batch = await self._lease(room)
            routes = self._pool.share(len(batch), loop.time())
            for sms, route in zip_longest(batch, routes):
                task = group.create_task(self._send(route, sms))
                self._sending[task] = sms.recipient.lstrip("+")
                task.add_done_callback(self._done)

    async def _look_again(self) -> None:
        # Because an open circuit does not tell when its time is over.
        while True:
            await asyncio.sleep(self._idle_seconds)
            self.wake()

    async def _lease(self, limit: int) -> Sequence[OutboundSms]:
        """Raises nothing: an outbox that is away is asked again later."""
        try:
            batch = await self._outbox.lease(limit)
            if not batch:
                await self._outbox.wait(timedelta(seconds=self._idle_seconds))
        except Unavailable:
            log.warning("outbox_unavailable")
            await asyncio.sleep(self._idle_seconds)
            return ()
        return batch

    async def _drain(self) -> None:
        for route in self._pool.routes:
            route.stop()
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=self._drain_seconds)
            if late:
                for route in self._pool.routes:
                    route.abort()
                await asyncio.wait(late, timeout=self._drain_seconds)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._news.set()

    async def _send(self, route: Route | None, sms: OutboundSms) -> None:
        if route is None:
            # The last route went while the outbox was asked.
            await self._settle("", sms, policy.not_sent())
            return

        async def taken(segment: int, total: int, message_id: str) -> None:
            await self._accepted(route.name, sms, segment, total, message_id)

        try:
            outcome = await route.send(sms, taken)
        finally:
            self._pool.done(route)
        await self._settle(route.name, sms, outcome)

    async def _settle(self, smsc: str, sms: OutboundSms, outcome: Outcome) -> None:
        if isinstance(outcome, Sent):
            log.debug("sms_sent", smsc=smsc, sms=sms.id)
        else:
            log.warning("sms_not_sent", smsc=smsc, sms=sms.id, outcome=repr(outcome))
        try:
            await self._outbox.settle(sms, outcome, smsc=smsc)
        except Unavailable:
            # The lease runs out and the SMS is sent again: at least once.
            log.warning("outbox_unavailable", smsc=smsc, sms=sms.id)

    async def _accepted(self, smsc: str, sms: OutboundSms, segment: int, total: int, message_id: str) -> None:
        try:
            await self._outbox.segment_accepted(sms, segment, total, message_id, smsc=smsc)
        except Unavailable:
            # A later attempt repeats the segment, which the handset puts in the same place.
            log.warning("outbox_unavailable", smsc=smsc, sms=sms.id)
