# SPDX-License-Identifier: Apache-2.0
"""The state of one link: sequence numbers, what waits for an answer, whether the peer still lives.

No socket and no clock: octets and the time (seconds that never run backwards) are handed in, events
come out, and the shell does what they say.  So every timing rule can be tested without waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from sms_gateway.smpp.framer import Framer, OutOfStep
from sms_gateway.smpp.pdu import (
    GENERIC_NACK,
    RESPONSE,
    Body,
    Command,
    Empty,
    Pdu,
    PduError,
    decode,
    encode,
    response,
)
from sms_gateway.smpp.status import Status

LAST_SEQUENCE = 0x7FFFFFFF
"""Sequence numbers run from 1 to here (SMPP 3.4 section 5.1.4)."""

T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True):
    """The timers of SMPP 3.4 section 7.2, in seconds, and how long a PDU may be."""

    response_seconds: float
    """A request of ours without an answer for so long has an unknown outcome."""
    enquire_seconds: float
    """After so much silence the peer is asked whether it lives."""
    enquire_response_seconds: float
    """It may take so long to say anything at all after that."""
    unbind_seconds: float
    """An unbound link may last so long for what is in flight."""
    max_pdu_bytes: int


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """The peer answered the request that was made with this token."""

    token: T
    pdu: Pdu


class Unanswered(msgspec.Struct, Generic[T], frozen=True):
    """No answer came in time: nobody knows whether the peer acted on the request."""

    token: T


class Requested(msgspec.Struct, frozen=True):
    """The peer asks for something that only the host can do, and answers by ``Session.answer``.

    An alert_notification is never answered (section 4.12).
    """

    pdu: Pdu


class Send(msgspec.Struct, frozen=True):
    """Write these octets to the link."""

    octets: bytes


class Ignored(msgspec.Struct, frozen=True):
    """Something that asks for nothing, or for what we do not speak; already nacked where that is due."""

    command: int
    sequence: int
    reason: str


class Unbound(msgspec.Struct, frozen=True):
    """The peer said farewell and was answered: submit nothing more."""


class Broken(msgspec.Struct, frozen=True):
    """The link is of no use any more: close it."""

    reason: str


Event = Answered[T] | Unanswered[T] | Requested | Send | Ignored | Unbound | Broken

_FOR_THE_HOST = {
    Command.BIND_RECEIVER,
    Command.BIND_TRANSMITTER,
    Command.BIND_TRANSCEIVER,
    Command.SUBMIT_SM,
    Command.DELIVER_SM,
    Command.DATA_SM,
    Command.ALERT_NOTIFICATION,
}

_ALIVE = Command.ENQUIRE_LINK | RESPONSE


class Session(Generic[T]):
    """One end of a link, ESME or SMSC.  ``T`` is whatever the host wants back with an answer."""

    def __init__(self, limits: Limits, *, now: float) -> None:
        self._limits = limits
        self._framer = Framer(max_pdu_bytes=limits.max_pdu_bytes)
        self._sequence = 0
        # In the order of sending, so the first one is always the next one due.
        self._pending: dict[int, tuple[float, T]] = {}
        self._heard = now
        self._enquired: float | None = None

    @property
    def in_flight(self) -> int:
        """Requests of ours that wait for their answer."""
        return len(self._pending)

    def request(self, command: Command, body: Body, token: T, now: float) -> bytes:
        """Make the octets of a request and remember it.  Raises PduError, and then remembers nothing."""
        sequence = self._next_sequence()
        octets = encode(Pdu(command, sequence, body))
        self._pending[sequence] = (now + self._limits.response_seconds, token)
        return octets

    def answer(self, request: Pdu, status: int = Status.ROK) -> bytes:
        """Make the octets that answer a ``Requested`` deliver_sm or data_sm."""
        return encode(response(request, status=status))

    def abandon(self) -> list[T]:
        """Forget every unanswered request and say which they were."""
        tokens = [token for _, token in self._pending.values()]
        self._pending.clear()
        return tokens

    def receive(self, data: bytes, now: float) -> list[Event[T]]:
        """Take octets from the link.  Never raises."""
        self._heard = now
        self._enquired = None
        self._framer.feed(data)
        events: list[Event[T]] = []
        try:
            for frame in self._framer.frames():
                events += self._pdu(frame)
        except OutOfStep as error:
            events.append(Broken(f"out_of_step: {error}"))
        return events

    def deadline(self) -> float:
        """When ``tick`` has something to do, if nothing is received before."""
        if self._enquired is None:
            alive = self._heard + self._limits.enquire_seconds
        else:
            alive = self._enquired + self._limits.enquire_response_seconds
        return min(alive, self._oldest()) if self._pending else alive

    def tick(self, now: float) -> Iterator[Event[T]]:
        """Let time act: give up on old requests, ask whether the peer lives, or find that it does not."""
        overdue = False
        while self._pending and self._oldest() <= now:
            overdue = True
            _, token = self._pending.pop(next(iter(self._pending)))
            yield Unanswered(token)
        if self._enquired is not None:
            if now >= self._enquired + self._limits.enquire_response_seconds:
                yield Broken("silent: enquire_link was not answered")
        elif overdue or now >= self._heard + self._limits.enquire_seconds:
            self._enquired = now
            yield Send(encode(Pdu(Command.ENQUIRE_LINK, self._next_sequence())))

    def _oldest(self) -> float:
        return next(iter(self._pending.values()))[0]

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        return self._sequence

    def _pdu(self, frame: bytes) -> list[Event[T]]:
        try:
            pdu = decode(frame)
        except PduError as error:
            ignored = Ignored(error.command, error.sequence, "malformed")
            if error.command == Command.ALERT_NOTIFICATION:
                return [ignored]
            if not error.command & RESPONSE:
                # The request is lost, the link is not; the peer learns which one (section 4.3.1).
                return [Send(encode(Pdu(GENERIC_NACK, error.sequence, status=Status.RINVCMDLEN))), ignored]
            # The header of a response says all that matters: to what, and how it went.
            pdu = Pdu(error.command, error.sequence, Empty(), error.status)
        return self._response(pdu) if pdu.is_response else self._request(pdu)

    def _response(self, pdu: Pdu) -> list[Event[T]]:
        events: list[Event[T]] = []
        pending = self._pending.pop(pdu.sequence, None)
        if pending is not None:
            events.append(Answered(pending[1], pdu))
        elif pdu.command != _ALIVE:
            events.append(Ignored(pdu.command, pdu.sequence, "answers_nothing"))
        if pdu.command == GENERIC_NACK and pdu.status == Status.RINVCMDLEN:
            events.append(Broken("out_of_step: the peer cannot follow our octets"))
        return events

    def _request(self, pdu: Pdu) -> list[Event[T]]:
        if pdu.command in _FOR_THE_HOST:
            return [Requested(pdu)]
        match pdu.command:
            case Command.ENQUIRE_LINK:
                return [Send(encode(response(pdu)))]
            case Command.UNBIND:
                return [Send(encode(response(pdu))), Unbound()]
            case _:
                return [
                    Send(encode(Pdu(GENERIC_NACK, pdu.sequence, status=Status.RINVCMDID))),
                    Ignored(pdu.command, pdu.sequence, "unknown_command"),
                ]
