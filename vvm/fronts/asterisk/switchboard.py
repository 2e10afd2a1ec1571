# SPDX-License-Identifier: Apache-2.0
"""Our application on the node: who enters is served, and hears of what happens to the call."""

from __future__ import annotations

import asyncio

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Outage
from vvm.fronts.asterisk.ari import AriClient, AriOutage, AriRefusal, Gone
from vvm.fronts.asterisk.capture import Call, OwnGreeting
from vvm.fronts.asterisk.events import (
    ApplicationReplaced,
    Event,
    RecordingFinished,
    StasisEnd,
    StasisStart,
    channel_of,
)
from vvm.fronts.asterisk.intake import Intake
from vvm.fronts.asterisk.settings import AsteriskSettings

log = structlog.get_logger(__name__)


class Switchboard:
    """Serves calls while there is a connection for events; one ``serve`` at a time."""

    def __init__(
        self,
        ari: AriClient,
        intake: Intake,
        settings: AsteriskSettings,
        clock: Clock,
        *,
        own_greeting: OwnGreeting | None,
    ) -> None:
        self._own_greeting = own_greeting
        self._ari = ari
        self._intake = intake
        self._settings = settings
        self._clock = clock
        self._calls: dict[str, Call] = {}
        """By channel."""
        self.connected = asyncio.Event()
        """Set while calls are taken."""

    async def serve(self) -> None:
        """Connect, serve the calls, return when the connection has ended.

        Raises AriOutage and AriRefusal (a wrong password) when there was no connection at all.
        """
        # Before the application exists nobody can enter it: whoever is inside has lost us.
        await self._leave_all()
        async with self._ari.events() as events:
            try:
                async with asyncio.TaskGroup() as tasks:
                    log.info("ari_connected", application=self._settings.application)
                    self.connected.set()
                    self._intake.look_now()
                    async for event in events:
                        self._dispatch(event, tasks)
            except* AriOutage as ended:
                # It has cancelled the calls: without their events they cannot go on.
                log.warning("ari_disconnected", reason=str(ended.exceptions[0]))
            finally:
                self.connected.clear()
                self._calls.clear()

    async def release(self) -> None:
        """Leave the callers to the dialplan, within ``stop_seconds``; for the end, when nobody serves."""
        try:
            async with asyncio.timeout(self._settings.stop_seconds):
                await self._leave_all()
        except (AriRefusal, Outage, TimeoutError) as error:
            log.warning("callers_not_released", reason=str(error))

    def _dispatch(self, event: Event, tasks: asyncio.TaskGroup) -> None:
        channel = channel_of(event)
        match event:
            case StasisStart():
                call = self._calls[channel] = Call(
                    self._ari, self._settings, self._clock, event, own_greeting=self._own_greeting
                )
                tasks.create_task(call.run())
                return
            case ApplicationReplaced():
                raise AriOutage("another process took the application")
            case RecordingFinished():
                # Also for a call of an earlier connection, which nobody here remembers.
                self._intake.hint(event.recording.name)
            case _:
                pass
        if channel in self._calls:
            self._calls[channel].tell(event)
        if isinstance(event, StasisEnd):
            self._calls.pop(channel, None)

    async def _leave_all(self) -> None:
        """Let every call in our application go on in the dialplan, after what it does now.

        A recording is not cut: the node takes the request up when it is over, and the dialplan sees
        VVM_RECORDED and hangs up.  A caller without a recording gets the fallback.
        """
        for channel in await self._ari.channels_inside():
            try:
                await self._ari.leave(channel)
            except Gone:
                continue
