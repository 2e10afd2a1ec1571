# SPDX-License-Identifier: Apache-2.0
"""One bound connection: connect, bind, submit through a window, hand over what comes, unbind."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import structlog

from sms_gateway.errors import BindRefused, Nacked, NotSent, OutcomeUnknown, Rejected
from sms_gateway.link import Link
from sms_gateway.meter import Meter
from sms_gateway.settings import SmscSettings, TlsSettings
from sms_gateway.smpp.pdu import (
    GENERIC_NACK,
    Alert,
    Bind,
    Command,
    DataSm,
    Empty,
    Pdu,
    PduError,
    Sm,
    SmResponse,
)
from sms_gateway.smpp.status import Status

log = structlog.get_logger(__name__)

Delivery = Sm | DataSm | Alert
"""What an SMSC sends to an ESME: deliver_sm, data_sm, alert_notification."""

Receive = Callable[[Delivery], Awaitable[int]]
"""Takes what the SMSC delivers, and says with which command_status to answer."""


class _Submit(msgspec.Struct):
    """A segment on its way through the window."""

    sm: Sm
    answer: asyncio.Future[Pdu]
    sent_at: float = 0.0


class Esme:
    """One connection; made by ``bound``."""

    def __init__(self, settings: SmscSettings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Submit] = deque()
        self._in_flight = 0
        self._delivered: asyncio.Queue[Pdu] = asyncio.Queue(settings.inbound_queue)
        self.link = Link(settings.name, settings.limits, self._requested, self._answered)

    @property
    def load(self) -> int:
        """Submits that wait for their answer, or for room in the window."""
        return self.link.in_flight + len(self._waiting)

    async def bind(self, command: Command) -> None:
        """Raises BindRefused; OutcomeUnknown or TimeoutError when the SMSC says nothing."""
        settings = self._settings
        body = Bind(
            system_id=settings.system_id.encode(),
            password=settings.password.encode(),
            system_type=settings.system_type.encode(),
        )
        async with asyncio.timeout(settings.bind_seconds):
            answer = await self.link.request(command, body)
        if answer.status != Status.ROK or answer.command == GENERIC_NACK:
            raise BindRefused(answer.status)

    async def submit(self, sm: Sm) -> SmResponse:
        """Submit one segment as soon as the window has room; returns what the SMSC says of it.

        Raises Rejected, Nacked, OutcomeUnknown, NotSent, or PduError for what cannot be written.
        """
        submit = _Submit(sm, self._loop.create_future())
        self._waiting.append(submit)
        self._fill_window()
        try:
            pdu = await submit.answer
        except OutcomeUnknown:
            self._meter.answered(None, self._loop.time() - submit.sent_at)
            raise
        self._meter.answered(pdu.status, self._loop.time() - submit.sent_at)
        if pdu.command == GENERIC_NACK:
            raise Nacked(pdu.status)
        if pdu.status != Status.ROK:
            raise Rejected(pdu.status)
        return pdu.body if isinstance(pdu.body, SmResponse) else SmResponse()

    async def serve(self, receive: Receive) -> None:
        """Hand over what the SMSC delivers, a few at a time, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.inbound_workers):
                group.create_task(self._hand_over(receive))

    async def unbind(self) -> None:
        """Say farewell if the SMSC still listens; waits ``unbind_seconds`` for it to say the same."""
        with suppress(TimeoutError, NotSent, OutcomeUnknown):
            async with asyncio.timeout(self._settings.unbind_seconds):
                await self.link.request(Command.UNBIND, Empty())

    async def close(self) -> None:
        """Close the connection, by force if it takes longer than ``unbind_seconds``."""
        self.link.close("closed")
        await asyncio.wait((self.link.lost,), timeout=self._settings.unbind_seconds)
        self.link.abort("closed")
        await asyncio.wait((self.link.lost,))

    def _answered(self) -> None:
        """Fill the window again before anybody learns of the answers, so that the SMSC works meanwhile."""
        filled = bool(self._waiting)
        self._fill_window()
        if filled:
            self.link.flush()

    def _fill_window(self) -> None:
        """Send what waits as far as there is room; a link that is gone has room for all, and takes none."""
        in_flight = self.link.in_flight
        while self._waiting and in_flight < self._settings.window:
            in_flight += self._send(self._waiting.popleft())
        if in_flight != self._in_flight:
            self._meter.in_flight(in_flight - self._in_flight)
            self._in_flight = in_flight

    def _send(self, submit: _Submit) -> bool:
        """Whether it is in flight now."""
        if submit.answer.done():
            return False  # whoever wanted it was cancelled
        submit.sent_at = self._loop.time()
        try:
            self.link.ask(Command.SUBMIT_SM, submit.sm, submit.answer, submit.sent_at)
        except (NotSent, PduError) as error:
            submit.answer.set_exception(error)
            return False
        return True

    def _requested(self, pdu: Pdu) -> None:
        if not isinstance(pdu.body, Delivery) or pdu.command == Command.SUBMIT_SM:
            self.link.answer(pdu, Status.RINVBNDSTS)  # the SMSC cannot submit or bind to an ESME
            return
        try:
            self._delivered.put_nowait(pdu)
        except asyncio.QueueFull:
            if not isinstance(pdu.body, Alert):
                self.link.answer(pdu, Status.RX_T_APPN)

    async def _hand_over(self, receive: Receive) -> None:
        while True:
            pdu = await self._delivered.get()
            if isinstance(pdu.body, Alert):
                await receive(pdu.body)
            elif isinstance(pdu.body, Sm | DataSm):
                self.link.answer(pdu, await receive(pdu.body))


@asynccontextmanager
async def bound(settings: SmscSettings, command: Command, meter: Meter) -> AsyncIterator[Esme]:
    """Connect and bind by ``command``; unbind and close at the end.

    Raises OSError (TimeoutError and TLS errors are some), BindRefused or OutcomeUnknown.
    """
    tls = settings.tls
    async with asyncio.timeout(settings.connect_seconds):
        esme = Esme(settings, meter)
        await asyncio.get_running_loop().create_connection(
            lambda: esme.link,
            settings.host,
            settings.port,
            ssl=tls_context(tls) if tls else None,
            server_hostname=(tls.server_name or settings.host) if tls else None,
        )
    try:
        await esme.bind(command)
        log.info(
            "smsc_bound", smsc=settings.name, host=settings.host, port=settings.port, by=command.name.lower()
        )
        meter.bound(up=True)
        try:
            yield esme
        finally:
            meter.bound(up=False)
            await esme.unbind()
    finally:
        await esme.close()


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """Read anew for each bind, so that a replaced certificate counts from then on."""
    context = ssl.create_default_context(cafile=tls.ca or None)
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key or None)
    return context
