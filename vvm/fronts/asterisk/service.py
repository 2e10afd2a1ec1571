# SPDX-License-Identifier: Apache-2.0
"""The front as one object: the connection to ARI, the calls on it, intake and the spool agent."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Outage
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.ari import AriClient, AriOutage, AriRefusal, Gone
from vvm.fronts.asterisk.capture import Call
from vvm.fronts.asterisk.depositor import Delivery, Depositor
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
from vvm.fronts.asterisk.spool import SpoolAgent

log = structlog.get_logger(__name__)


class AsteriskFront:
    """Capture on one media node.

    ``run`` lasts until it is cancelled, whatever the node does in between.  At the end, callers who
    still hear the greeting go to the dialplan's fallback, and those who speak are left to the node: it
    goes on recording, and the next run takes the message in.  Killing the process costs no message
    either.
    """

    def __init__(
        self, settings: AsteriskSettings, password: Secret, deposit: Depositor, *, clock: Clock
    ) -> None:
        self._settings = settings
        self._password = password
        self._clock = clock
        self._connected = asyncio.Event()
        self.delivery = Delivery(
            deposit,
            clock,
            retry_after=timedelta(seconds=settings.retry_refused_every),
            seconds=settings.deposit_seconds,
        )
        """What became of the messages; its counts are for the metrics."""

    async def run(self) -> None:
        """Serve until cancelled; returns at once when neither ARI nor a spool is configured."""
        async with asyncio.TaskGroup() as tasks:
            if self._settings.spool:
                tasks.create_task(SpoolAgent(self._settings, self.delivery, self._clock).run())
            if self._settings.ari:
                tasks.create_task(self._run_ari())

    async def wait_connected(self) -> None:
        """Return as soon as calls are taken."""
        await self._connected.wait()

    @property
    def connected(self) -> bool:
        """Calls are taken at this moment; without it the dialplan uses its fallback."""
        return self._connected.is_set()

    async def _run_ari(self) -> None:
        async with AriClient(self._settings, self._password) as ari:
            intake = Intake(ari, self.delivery, self._settings)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(intake.run())
                    tasks.create_task(self._stay_connected(ari, intake))
            finally:
                await self._release(ari)

    async def _stay_connected(self, ari: AriClient, intake: Intake) -> None:
        wait = self._settings.reconnect_seconds
        while True:
            reason = ""
            try:
                await self._serve_connection(ari, intake)
            except* (AriOutage, AriRefusal) as errors:
                reason = str(errors.exceptions[0])
            if self._connected.is_set():
                self._connected.clear()
                wait = self._settings.reconnect_seconds
            log.warning("ari_disconnected", reason=reason, retry_seconds=round(wait, 1))
            # Half of it by chance, so that many nodes do not come back in step.
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret
            wait = min(wait * 2, self._settings.reconnect_max_seconds)

    async def _serve_connection(self, ari: AriClient, intake: Intake) -> None:
        """Serve the calls of one connection.  Always raises; AriOutage when the connection ends."""
        # Before the application exists nobody can enter it: whoever is inside has lost us.
        await self._leave_all(ari)
        async with ari.events() as events, asyncio.TaskGroup() as tasks:
            log.info("ari_connected", application=self._settings.application)
            self._connected.set()
            intake.look_now()
            calls: dict[str, Call] = {}
            async for event in events:
                self._dispatch(event, ari, calls, tasks, intake)
            # Raised inside the group: calls whose events are lost cannot go on.
            raise AriOutage("the node closed the connection for events")

    def _dispatch(
        self, event: Event, ari: AriClient, calls: dict[str, Call], tasks: asyncio.TaskGroup, intake: Intake
    ) -> None:
        match event:
            case StasisStart():
                call = calls[event.channel.id] = Call(ari, self._settings, self._clock, event)
                tasks.create_task(call.run())
                return
            case ApplicationReplaced():
                raise AriOutage("another process took the application")
            case RecordingFinished():
                intake.hint(event.recording.name)
            case _:
                pass
        if call_told := calls.get(channel_of(event)):
            call_told.tell(event)
        if isinstance(event, StasisEnd):
            calls.pop(event.channel.id, None)

    async def _release(self, ari: AriClient) -> None:
        try:
            async with asyncio.timeout(self._settings.stop_seconds):
                await self._leave_all(ari)
        except (AriRefusal, Outage, TimeoutError) as error:
            log.warning("callers_not_released", reason=str(error))

    async def _leave_all(self, ari: AriClient) -> None:
        """Let every call in our application go on in the dialplan, after what it does now.

        A recording is not cut: the node takes the request up when it is over, and the dialplan sees
        VVM_RECORDED and hangs up.  A caller without a recording gets the fallback.
        """
        for channel in await ari.channels_inside():
            try:
                await ari.leave(channel)
            except Gone:
                continue
