# SPDX-License-Identifier: Apache-2.0
"""A session on a socket: the part of SMPP that both ends share.

Everything here is callbacks of the event loop, so a PDU costs no task; requests come back as futures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

import structlog

from sms_gateway.errors import NotSent, OutcomeUnknown
from sms_gateway.smpp.pdu import Body, Command, Pdu
from sms_gateway.smpp.session import (
    Answered,
    Broken,
    Event,
    Ignored,
    Limits,
    Requested,
    Send,
    Session,
    Unanswered,
    Unbound,
)
from sms_gateway.smpp.status import Status

log = structlog.get_logger(__name__)

UNBOUND_BY_PEER = "unbound_by_peer"
"""Why a link was lost that the peer ended politely."""


class Link(asyncio.Protocol):
    """One connection.  ``on_request`` is called with each deliver_sm, submit_sm or bind of the peer;
    it must not block, and answers by ``answer``.  ``on_room`` is called when requests of ours were
    answered or given up, and when no more can be made.

    ``lost`` is done, with the reason, once the connection is gone.
    """

    def __init__(
        self,
        name: str,
        limits: Limits,
        on_request: Callable[[Pdu], None],
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._name = name
        self._limits = limits
        self._on_request = on_request
        self._on_room = on_room
        self._session: Session[asyncio.Future[Pdu]] = Session(limits, now=self._loop.time())
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._outgoing: list[bytes] = []
        self._reason = "closed_by_peer"
        self._unbound = False
        self.lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def connected(self) -> bool:
        """Whether the connection stood at some time."""
        return self._transport is not None

    @property
    def usable(self) -> bool:
        """Whether a request can still be made."""
        return self._transport is not None and not self._unbound and not self._transport.is_closing()

    @property
    def in_flight(self) -> int:
        """Requests of ours that wait for their answer."""
        return self._session.in_flight

    def request(self, command: Command, body: Body) -> asyncio.Future[Pdu]:
        """Send a request; the future is its answer, or raises OutcomeUnknown.

        Raises NotSent where the link is gone, and PduError where the body cannot be written.
        """
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self.ask(command, body, answer, self._loop.time())
        return answer

    def ask(self, command: Command, body: Body, answer: asyncio.Future[Pdu], now: float) -> None:
        """As ``request``, for a future that the caller has made."""
        if not self.usable:
            raise NotSent
        self.write(self._session.request(command, body, answer, now))
        if self._session.in_flight == 1:  # those in flight before it are due before it
            self._arm()

    def answer(self, request: Pdu, status: int = Status.ROK) -> None:
        """Answer a request of the peer; forgotten if the link is gone, for then the peer asks again."""
        self.write(self._session.answer(request, status))

    def write(self, octets: bytes) -> None:
        """Send octets as they are, together with all that is written in this turn of the loop."""
        if not self._outgoing:
            self._loop.call_soon(self.flush)
        self._outgoing.append(octets)

    def flush(self) -> None:
        """Send what is written now, and not at the end of this turn."""
        if self._outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def close(self, reason: str) -> None:
        """Send what is written, then close."""
        self.flush()
        if self._transport is not None and not self._transport.is_closing():
            self._reason = reason
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once; what is written may be lost."""
        if self._transport is not None and not self.lost.done():
            self._reason = reason
            self._transport.abort()

    # What follows is called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, because uvloop's transports are asyncio's only by their methods.
        self._transport = cast(asyncio.Transport, transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        self._act(self._session.receive(data, self._loop.time()))

    def pause_writing(self) -> None:
        # A peer that does not read our answers gets to send no more requests.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._outgoing.clear()
        for answer in self._session.abandon():
            _fail(answer)
        if exc is not None:
            self._reason = f"{type(exc).__name__}: {exc}"
        self.lost.set_result(self._reason)
        self._on_room()

    def _arm(self) -> None:
        """Have ``_tick`` called at the session's deadline, if no earlier call is due."""
        deadline = self._session.deadline()
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._act(self._session.tick(self._loop.time()))
        if self._transport is not None and not self._transport.is_closing():
            self._arm()

    def _act(self, events: Iterable[Event[asyncio.Future[Pdu]]]) -> None:
        for event in events:
            self._act_on(event)
        if self._unbound and not self._session.in_flight:
            self.close(UNBOUND_BY_PEER)
        self._on_room()

    def _act_on(self, event: Event[asyncio.Future[Pdu]]) -> None:
        match event:
            case Answered(token, pdu):
                if not token.done():
                    token.set_result(pdu)
            case Requested(pdu):
                self._on_request(pdu)
            case Send(octets):
                self.write(octets)
            case Unanswered(token):
                _fail(token)
            case Ignored():
                self._ignored(event)
            case Unbound():
                self._unbound = True
                self._loop.call_later(self._limits.unbind_seconds, self.close, UNBOUND_BY_PEER)
            case Broken(reason):
                self.abort(reason)

    def _ignored(self, event: Ignored) -> None:
        log.warning(
            "pdu_ignored",
            smsc=self._name,
            command=f"{event.command:#010x}",
            sequence=event.sequence,
            reason=event.reason,
        )


def _fail(answer: asyncio.Future[Pdu]) -> None:
    if not answer.done():
        answer.set_exception(OutcomeUnknown())
