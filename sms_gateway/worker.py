# SPDX-License-Identifier: Apache-2.0
"""Take SMS from the outbox, submit their segments, say what came of it.

A bind *pulls* work: it leases only what it can send soon.  So two binds on one outbox share the work
by their speed, and a bind that is gone leases nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from sms_gateway import policy
from sms_gateway.errors import NotSent, OutcomeUnknown, Rejected
from sms_gateway.esme import Esme
from sms_gateway.port import Coding, OutboundSms, Outbox, Outcome, Refused, Sent, Unavailable
from sms_gateway.receipts import normal_id
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.smpp.pdu import Address, PduError, Sm
from sms_gateway.smpp.status import Action
from sms_gateway.smpp.validity import relative
from sms_gateway.text.gsm7 import NotInAlphabet
from sms_gateway.text.segments import Segment, TooLong, cut
from sms_gateway.text.udh import UDHI
from sms_gateway.throttle import Throttle

log = structlog.get_logger(__name__)


class Worker:
    """Sends for one SMSC.  What it remembers between binds is only how fast it may go."""

    def __init__(self, settings: SmscSettings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._actions = settings.overrides()
        self._throttle = Throttle(
            rate=settings.rate, slowest=settings.slowest_rate, pause=settings.throttle_pause_seconds
        )
        # Twice the window: while some wait for the SMSC, others are being settled.
        affordable = int(settings.rate * settings.hold_limit_seconds)
        self._capacity = max(1, min(2 * settings.window, affordable))
        self._sending: dict[asyncio.Task[None], str] = {}
        self._freed = asyncio.Event()
        self._stopping = False

    async def pump(self, esme: Esme) -> str:
        """Send until the link is lost, and return why.

        When cancelled, finish what is in flight first, or return it after ``drain_seconds``.
        """
        self._stopping = False
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feed(esme, group))
            try:
                # Shielded, for the future belongs to the link: cancelling us must not cancel it.
                return await asyncio.shield(esme.link.lost)
            finally:
                self._stopping = True
                feeding.cancel()
                await self._drain(esme)

    async def settled(self, recipient: str) -> None:
        """Wait until nothing to this recipient is being sent.

        A receipt may overtake the submit_sm_resp that says which message it is about.  Only digits
        are compared, for many SMSCs lose the type of number on the way.
        """
        digits = recipient.lstrip("+")
        sending = [task for task, number in self._sending.items() if number == digits]
        if sending:
            await asyncio.wait(sending)

    async def _feed(self, esme: Esme, group: asyncio.TaskGroup) -> None:
        while esme.link.usable:
            while (free := self._capacity - len(self._sending)) <= 0:
                self._freed.clear()
                await self._freed.wait()
            batch = await self._lease(free)
            for sms in batch:
                task = group.create_task(self._send(esme, sms))
                self._sending[task] = sms.recipient.lstrip("+")
                task.add_done_callback(self._done)

    async def _lease(self, limit: int) -> Sequence[OutboundSms]:
        """Raises nothing: an outbox that is away is asked again later."""
        try:
            batch = await self._outbox.lease(limit)
            if not batch:
                await self._outbox.wait(timedelta(seconds=self._settings.idle_seconds))
        except Unavailable:
            log.warning("outbox_unavailable", smsc=self._settings.name)
            await asyncio.sleep(self._settings.idle_seconds)
            return ()
        return batch

    async def _drain(self, esme: Esme) -> None:
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=self._settings.drain_seconds)
            if late:
                # Without a link every submit ends at once, and is settled as unknown or not sent.
                esme.link.abort("drain_timed_out")
                await asyncio.wait(late, timeout=self._settings.drain_seconds)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._freed.set()

    async def _send(self, esme: Esme, sms: OutboundSms) -> None:
        outcome = await self._submit(esme, sms)
        match outcome:
            case Sent():
                log.debug("sms_sent", smsc=self._settings.name, sms=sms.id)
            case _:
                log.warning("sms_not_sent", smsc=self._settings.name, sms=sms.id, outcome=repr(outcome))
        try:
            await self._outbox.settle(sms, outcome)
        except Unavailable:
            # The lease runs out and the SMS is sent again: at least once.
            log.warning("outbox_unavailable", smsc=self._settings.name, sms=sms.id)

    async def _submit(self, esme: Esme, sms: OutboundSms) -> Outcome:
        try:
            segments = cut(sms.text, coding=sms.coding, port=sms.port, reference=sms.reference)
        except TooLong:
            return Refused(None, reason="too_long")
        except (NotInAlphabet, UnicodeError):
            return Refused(None, reason="not_in_alphabet")
        except ValueError:
            return Refused(None, reason="unencodable")
        for number, segment in enumerate(segments, start=1):
            if number in sms.accepted:
                continue
            try:
                await self._take_turn(esme)
                message_id = await esme.submit(self._sm(sms, segment))
            except Rejected as error:
                return self._rejected(esme, sms, error.status)
            except NotSent:
                return policy.not_sent()
            except OutcomeUnknown:
                return policy.unknown(self._settings)
            except PduError:
                return Refused(None, reason="unencodable")
            await self._accepted(sms, number, len(segments), message_id)
        return Sent()

    async def _take_turn(self, esme: Esme) -> None:
        """Wait for the rate.  Raises NotSent if there will be no turn."""
        if self._stopping:
            raise NotSent
        seconds = self._throttle.reserve(asyncio.get_running_loop().time())
        if seconds > 0:
            await esme.pause(seconds)
            if self._stopping:
                raise NotSent

    async def _accepted(self, sms: OutboundSms, number: int, total: int, message_id: bytes) -> None:
        written = normal_id(message_id, self._settings.response_id_form)
        try:
            await self._outbox.segment_accepted(sms, number, total, written)
        except Unavailable:
            # A later attempt repeats the segment, which the handset puts in the same place.
            log.warning("outbox_unavailable", smsc=self._settings.name, sms=sms.id)

    def _rejected(self, esme: Esme, sms: OutboundSms, status: int) -> Outcome:
        action = smpp_status.action(status, self._actions)
        pause = 0.0
        if action is Action.SLOW_DOWN:
            pause = self._throttle.slow_down(asyncio.get_running_loop().time())
        elif action is Action.REBIND:
            esme.link.close("smsc_says_not_bound")
        return policy.after_rejection(
            status, action, attempt=sms.attempt, pause_seconds=pause, settings=self._settings
        )

    def _sm(self, sms: OutboundSms, segment: Segment) -> Sm:
        settings = self._settings
        return Sm(
            source=Address(settings.source_ton, settings.source_npi, sms.source.encode()),
            destination=Address(
                settings.destination_ton, settings.destination_npi, sms.recipient.lstrip("+").encode()
            ),
            short_message=segment.user_data,
            service_type=settings.service_type.encode(),
            esm_class=settings.esm_mode | (UDHI if segment.has_header else 0),
            protocol_id=settings.protocol_id,
            validity=relative(sms.validity),
            registered_delivery=settings.registered_delivery,
            data_coding=self._data_coding(sms.coding),
        )

    def _data_coding(self, coding: Coding) -> int:
        match coding:
            case Coding.OCTETS:
                return self._settings.data_coding_octets
            case Coding.GSM7:
                return 0x00
            case Coding.UCS2:
                return 0x08
