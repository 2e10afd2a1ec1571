# SPDX-License-Identifier: Apache-2.0
"""A simulated SMSC: takes binds and submits, sends receipts and SMS from handsets, fails to order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from sms_gateway.errors import NotSent
from sms_gateway.link import UNBOUND_BY_PEER, Link
from sms_gateway.port import Coding
from sms_gateway.simulator.faults import Fault, Nack
from sms_gateway.simulator.handset import HandsetSms, Radio, Submitted, read
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.smpp.pdu import (
    GENERIC_NACK,
    RESPONSE,
    Address,
    Bind,
    BindResponse,
    Command,
    Empty,
    Pdu,
    Sm,
    SmResponse,
    encode,
)
from sms_gateway.smpp.status import Status
from sms_gateway.smpp.tlv import Tag, Tlv
from sms_gateway.text import segments, udh

log = structlog.get_logger(__name__)

_RECEIPT = 0x04
"""esm_class of an SMSC delivery receipt (SMPP 3.4 section 5.2.12)."""
_DELIVERED = b"\x02"
"""message_state (section 5.2.28)."""
_DATA_CODING = {Coding.OCTETS: 0x04, Coding.GSM7: 0x00, Coding.UCS2: 0x08}
_BINDS = {Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER}


class SimulatedSmsc:
    """Everything runs inside ``running()``.

    ``on_sms`` is called with each whole SMS; it must not block, so a simulated handset puts it on a
    queue of its own and answers with ``send_mo``.
    """

    def __init__(
        self,
        settings: SimulatorSettings | None = None,
        *,
        on_sms: Callable[[HandsetSms], None] | None = None,
    ) -> None:
        self._settings = settings or SimulatorSettings()
        self._on_sms = on_sms
        self._radio = Radio()
        self._links: dict[Link, bool] = {}
        self._faults: deque[Fault | Nack | int] = deque()
        self._faults_of: dict[str, Fault | Nack | int] = {}
        self._news = asyncio.Event()
        self.port = self._settings.port
        self.password = self._settings.password
        """Which password may bind from now on."""
        self.submits: deque[Submitted] = deque(maxlen=self._settings.remember)
        """The last submits that were taken."""
        self.submitted = 0
        """How many submit_sm came, those that were not taken included."""
        self.refused_binds = 0
        self.unbinds = 0
        """How many links their ESME ended with an unbind."""
        self.receipt_answers: deque[tuple[str, int]] = deque(maxlen=self._settings.remember)
        """Message id and command_status of each receipt that was answered."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen until the block ends, then drop every link."""
        settings = self._settings
        server = await asyncio.get_running_loop().create_server(
            self._accept, settings.host, settings.port, ssl=settings.tls
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.drop_links()
            # A link whose TLS handshake failed never was, and is never lost.
            lost = [link.lost for link in self._links if link.connected]
            if lost:
                await asyncio.wait(lost)
            await server.wait_closed()

    @property
    def bound(self) -> int:
        """How many binds stand."""
        return sum(self._links.values())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that happened here makes the condition true."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def wait_submits(self, count: int) -> list[Submitted]:
        """Wait until so many submits were taken, and return the last so many."""
        await self.until(lambda: len(self.submits) >= count)
        return list(self.submits)[-count:]

    def inject(self, *faults: Fault | Nack | int, recipient: str | None = None) -> None:
        """Treat the next submits so, one fault each; with ``recipient`` (digits), all submits to it.

        A number is the command_status to answer with; 0 stands for no fault at all.
        """
        if recipient is None:
            self._faults.extend(faults)
        else:
            (self._faults_of[recipient],) = faults

    async def send_mo(
        self,
        originator: str,
        destination: str,
        text: str,
        *,
        port: int = 0,
        coding: Coding = Coding.OCTETS,
        reference: int = 0,
    ) -> list[int]:
        """Deliver an SMS of a handset (digits without ``+``); returns the status of each segment."""
        return [
            await self.deliver(
                Sm(
                    source=Address(1, 1, originator.encode()),
                    destination=Address(3, 0, destination.encode()),
                    short_message=segment.user_data,
                    esm_class=udh.UDHI if segment.has_header else 0,
                    data_coding=_DATA_CODING[coding],
                )
            )
            for segment in segments.cut(text, coding=coding, port=port, reference=reference)
        ]

    async def deliver(self, sm: Sm) -> int:
        """Deliver one deliver_sm to the bind; returns the command_status of its answer.

        Raises NotSent without a bind, OutcomeUnknown without an answer.
        """
        answer = await self._bound_link().request(Command.DELIVER_SM, sm)
        return answer.status

    def write(self, octets: bytes) -> None:
        """Send raw octets to the bind.  Raises NotSent without one."""
        self._bound_link().write(octets)

    async def unbind(self) -> int:
        """Say farewell to the bind; returns the command_status of its answer."""
        answer = await self._bound_link().request(Command.UNBIND, Empty())
        return answer.status

    def drop_links(self) -> None:
        """Cut every connection, as a crash would."""
        for link in self._links:
            link.abort("dropped")

    def _accept(self) -> Link:
        link = Link("simulator", self._settings.limits, lambda pdu: self._requested(link, pdu))
        self._links[link] = False
        link.lost.add_done_callback(lambda _: self._gone(link))
        return link

    def _gone(self, link: Link) -> None:
        del self._links[link]
        self.unbinds += link.lost.result() == UNBOUND_BY_PEER
        self._news.set()

    def _bound_link(self) -> Link:
        for link, bound in self._links.items():
            if bound and link.usable:
                return link
        raise NotSent

    def _requested(self, link: Link, pdu: Pdu) -> None:
        if isinstance(pdu.body, Bind) and pdu.command in _BINDS:
            self._bind(link, pdu, pdu.body)
        elif isinstance(pdu.body, Sm) and self._links[link]:
            self.submitted += 1
            self._submit(link, pdu, pdu.body)
        else:
            link.answer(pdu, Status.RINVBNDSTS)
        self._news.set()

    def _bind(self, link: Link, pdu: Pdu, bind: Bind) -> None:
        settings = self._settings
        status = Status.ROK
        if bind.system_id != settings.system_id.encode():
            status = Status.RINVSYSID
        elif bind.password != self.password.encode():
            status = Status.RINVPASWD
        body = BindResponse(b"simulator", settings.bind_tlvs)
        link.write(encode(Pdu(pdu.command | RESPONSE, pdu.sequence, body, status)))
        if status == Status.ROK:
            self._links[link] = True
        else:
            self.refused_binds += 1
            link.close("bind_refused")

    def _submit(self, link: Link, pdu: Pdu, sm: Sm) -> None:
        fault = self._fault(sm)
        if fault and isinstance(fault, int):
            link.answer(pdu, fault)
            return
        message_id = f"{self.submitted:08x}"
        answer = Pdu(
            pdu.command | RESPONSE,
            pdu.sequence,
            SmResponse(message_id.encode(), self._settings.response_tlvs),
        )
        match fault:
            case Nack(status):
                link.write(encode(Pdu(GENERIC_NACK, pdu.sequence, status=status)))
                return
            case Fault.SILENCE:
                return
            case Fault.DROP:
                link.abort("fault")
                return
            case Fault.HALF_PDU:
                octets = encode(answer)
                link.write(octets[: len(octets) // 2])
                link.close("fault")
                return
            case Fault.OVERSIZED:
                link.write(b"\x7f\xff\xff\xff" + encode(answer)[4:])
                return
            case Fault.RECEIPT_FIRST:
                self._take(link, sm, message_id)
                link.write(encode(answer))
                return
            case Fault.NO_BODY:
                link.write(encode(Pdu(answer.command, answer.sequence)))
            case Fault.DRIBBLE:
                _dribble(link, encode(answer), lambda: self._take(link, sm, message_id))
                return
            case _:
                link.write(encode(answer))
        self._take(link, sm, message_id)

    def _fault(self, sm: Sm) -> Fault | Nack | int:
        fault = self._faults.popleft() if self._faults else 0
        return fault or self._faults_of.get(sm.destination.digits.decode("latin-1"), 0)

    def _take(self, link: Link, sm: Sm, message_id: str) -> None:
        try:
            submitted = read(sm, message_id)
        except udh.BadHeader as error:
            log.warning("submit_unreadable", reason=str(error))
            return
        self.submits.append(submitted)
        if self._settings.receipts and sm.registered_delivery & 0x03 and link.usable:
            self._report(link, sm, message_id)
        if self._on_sms is not None:
            whole = self._radio.arrive(submitted)
            if whole is not None:
                self._on_sms(whole)

    def _report(self, link: Link, sm: Sm, message_id: str) -> None:
        settings = self._settings
        tlvs: tuple[Tlv, ...] = ()
        if settings.receipt_tlvs:
            tlvs = (
                Tlv(Tag.RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
                Tlv(Tag.MESSAGE_STATE, _DELIVERED),
            )
        receipt = Sm(
            source=sm.destination,
            destination=sm.source,
            short_message=_written(settings.receipt_text, message_id),
            esm_class=_RECEIPT,
            tlvs=tlvs,
        )
        answer = link.request(Command.DELIVER_SM, receipt)
        answer.add_done_callback(lambda done: self._reported(message_id, done))

    def _reported(self, message_id: str, answer: asyncio.Future[Pdu]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.receipt_answers.append((message_id, answer.result().status))
            self._news.set()


def _written(receipt_text: bytes, message_id: str) -> bytes:
    forms = {"id": message_id, "ID": message_id.upper(), "decimal": str(int(message_id, 16))}
    for name, form in forms.items():
        receipt_text = receipt_text.replace(f"%({name})s".encode(), form.encode())
    return receipt_text


def _dribble(link: Link, octets: bytes, then: Callable[[], None]) -> None:
    """One octet in each turn of the loop."""
    if not octets:
        then()
        return
    link.write(octets[:1])
    asyncio.get_running_loop().call_soon(_dribble, link, octets[1:], then)
