# SPDX-License-Identifier: Apache-2.0
"""One call: answer, greet, record.  The caller may hang up at any moment, and usually does.

Nothing here touches the message: once the recording has begun it is the node's, and ``intake`` takes it
in when the node says that it is whole.  This coroutine may die at any line without losing it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import InvalidNumber, Outage, Refusal
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.asterisk.ari import AriClient, AriRefusal, Gone
from vvm.fronts.asterisk.events import (
    Event,
    PlaybackFinished,
    RecordingFailed,
    RecordingFinished,
    StasisEnd,
    StasisStart,
)
from vvm.fronts.asterisk.names import RecordingName, discreet, format_name
from vvm.fronts.asterisk.settings import AsteriskSettings

log = structlog.get_logger(__name__)

REFUSAL = "VVM_REFUSAL"
"""The channel variable that tells the dialplan why a call comes back: an error code."""
RECORDED = "VVM_RECORDED"
"""The channel variable that tells the dialplan that a recording was begun: "yes"."""

# What SIP callers without a number are called (RFC 3323 section 4.1.1.3, and Asterisk's own words).
_NOBODY = frozenset({"", "anonymous", "restricted", "unavailable", "unknown", "asterisk", "<unknown>"})
_HIDDEN = ("prohib", "unavailable")

_E = TypeVar("_E", bound=Event)


OwnGreeting = Callable[[Msisdn], Awaitable[str | None]]
"""The media URI of what a subscriber's callers hear; None for the system's greeting."""


class _HungUp(Exception):
    """The call has left our application."""


class Call:
    """A call in our application, from its StasisStart until ``run`` returns."""

    def __init__(
        self,
        ari: AriClient,
        settings: AsteriskSettings,
        clock: Clock,
        start: StasisStart,
        *,
        own_greeting: OwnGreeting | None,
    ) -> None:
        self._own_greeting = own_greeting
        self._ari = ari
        self._settings = settings
        self._clock = clock
        self._start = start
        self._id = start.channel.id
        # Bounded by what one call can cause: a handful of events.
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def tell(self, event: Event) -> None:
        """Something happened to this channel."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Serve the caller.  Raises nothing but cancellation."""
        try:
            await self._serve()
        except (_HungUp, Gone):
            log.info("call_ended", channel=self._id)
        except InvalidNumber as refusal:
            log.warning("call_refused", channel=self._id, reason=refusal.code)
            await self._give_back(refusal.code)
        except (AriRefusal, Outage, TimeoutError) as error:
            log.warning("call_failed", channel=self._id, reason=str(error))
            await self._give_back(Outage.code)
        except Exception:
            # A defect met by one call touches nobody else; the dialplan still has the caller.
            log.exception("call_failed", channel=self._id)
            await self._give_back("internal")

    async def _serve(self) -> None:
        subscriber = self._subscriber()
        caller = await self._caller()
        await self._ari.answer(self._id)
        await self._greet(subscriber)
        name = format_name(
            RecordingName(subscriber=subscriber, started_at=self._clock.now(), caller=caller, unique=uuid4())
        )
        # Said before it is true: from the next request on, our death must not greet the caller again.
        await self._ari.set_variable(self._id, RECORDED, "yes")
        await self._ari.record(self._id, name)
        log.info("recording_started", channel=self._id, key=discreet(name))
        # The beep and the node's own limit come first; this one is for a node that says nothing.
        limit = self._settings.max_seconds + self._settings.play_seconds
        ended = await self._until(RecordingFinished, RecordingFailed, seconds=limit)
        if isinstance(ended, RecordingFailed):
            raise Outage("the node could not record")
        if self._settings.goodbye:
            await self._play(self._settings.goodbye)
        await self._ari.hang_up(self._id)

    def _subscriber(self) -> Msisdn:
        if not self._start.args:
            raise InvalidNumber("Stasis() has no number")
        return parse_msisdn(self._start.args[0])

    async def _caller(self) -> str | None:
        """The number as the network gave it; None when the caller restricts it (RFC 3325 section 9.3)."""
        number = self._start.channel.caller.number
        if number.lower() in _NOBODY:
            return None
        presentation = await self._ari.variable(self._id, "CALLERID(pres)")
        return None if presentation.startswith(_HIDDEN) else number

    async def _greet(self, subscriber: Msisdn) -> None:
        """The subscriber's own greeting, or the system's where that is none or does not play."""
        own = await self._own(subscriber)
        try:
            if own is not None:
                await self._play(own)
                return
        except TimeoutError:
            # It was heard for as long as a greeting may take: the beep cuts it short.
            log.warning("own_greeting_cut", channel=self._id)
            return
        except Outage as error:
            log.warning("own_greeting_not_played", channel=self._id, reason=str(error))
        await self._play(self._settings.greeting)

    async def _own(self, subscriber: Msisdn) -> str | None:
        if self._own_greeting is None:
            return None
        try:
            async with asyncio.timeout(self._settings.request_seconds):
                return await self._own_greeting(subscriber)
        except (Refusal, Outage, TimeoutError) as error:
            # The caller's message matters more than what the caller hears first.
            log.warning("own_greeting_not_found", channel=self._id, reason=type(error).__name__)
            return None

    async def _play(self, media: str) -> None:
        playback = await self._ari.play(self._id, media)
        finished = await self._until(PlaybackFinished, seconds=self._settings.play_seconds)
        if finished.playback.id != playback or finished.playback.state == "failed":
            raise Outage("the node could not play")

    async def _until(self, *kinds: type[_E], seconds: float) -> _E:
        async with asyncio.timeout(seconds):
            while True:
                event = await self._events.get()
                if isinstance(event, kinds):
                    return event
                if isinstance(event, StasisEnd):
                    raise _HungUp

    async def _give_back(self, code: str) -> None:
        """Let the dialplan go on: it has a fallback, and a caller who waits."""
        try:
            await self._ari.set_variable(self._id, REFUSAL, code)
            await self._ari.leave(self._id)
        except (AriRefusal, Outage) as error:
            # Gone: the caller has hung up.  Otherwise TIMEOUT(absolute) of the dialplan ends the call.
            log.info("call_not_given_back", channel=self._id, reason=str(error))
