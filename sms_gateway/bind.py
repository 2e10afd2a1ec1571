# SPDX-License-Identifier: Apache-2.0
"""Keep one bind of an SMSC: whatever happens to it, it is made again.

Soon after a lost link; slowly after a refused password, because trying often locks accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from sms_gateway.backoff import doubling, jittered
from sms_gateway.errors import BindRefused, NotSent, OutcomeUnknown
from sms_gateway.esme import Esme, Receive, bound
from sms_gateway.meter import Meter
from sms_gateway.settings import BindMode, SmscSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.smpp.pdu import Command

log = structlog.get_logger(__name__)

_COMMANDS = {
    BindMode.TRANSCEIVER: (Command.BIND_TRANSCEIVER,),
    BindMode.PAIR: (Command.BIND_RECEIVER, Command.BIND_TRANSMITTER),
}
"""What a bind is made of; the last one submits (SMPP 3.4 section 2.2)."""


class Bind:
    """A transceiver, or a receiver and a transmitter that live and die together."""

    def __init__(
        self, settings: SmscSettings, receive: Receive, *, meter: Meter, changed: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._receive = receive
        self._meter = meter
        self._changed = changed
        self._esme: Esme | None = None
        self._failures = 0
        self._lock_outs = 0

    @property
    def esme(self) -> Esme | None:
        """Where to submit at this moment."""
        return self._esme if self._esme is not None and self._esme.link.usable else None

    def abort(self) -> None:
        """Drop the link: every submit ends at once, as unknown or not sent."""
        if self._esme is not None:
            self._esme.link.abort("drain_timed_out")

    async def run(self) -> None:
        """Stay bound until cancelled, then unbind; that takes at most twice ``unbind_seconds`` a link."""
        while True:
            seconds = await self._bind_once()
            await asyncio.sleep(seconds)

    async def _bind_once(self) -> float:
        """Live through one bind; returns the seconds to wait before the next."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            reason = await self._live()
        except BindRefused as error:
            if smpp_status.wrong_credentials(error.status):
                return self._locked_out(error.status)
            reason = f"bind_refused: {smpp_status.shown(error.status)}"
        except (OutcomeUnknown, NotSent):  # not sent: the SMSC hung up before we could ask
            reason = "bind_unanswered"
        except OSError as error:
            reason = f"{type(error).__name__}: {error}"
        self._lock_outs = 0
        if loop.time() - started >= settings.reconnect_calm_seconds:
            self._failures = 0
        wait = jittered(
            doubling(settings.reconnect_first_seconds, settings.reconnect_last_seconds, self._failures)
        )
        self._failures += 1
        log.warning("smsc_lost", smsc=settings.name, reason=reason, again_in_seconds=round(wait, 3))
        return wait

    async def _live(self) -> str:
        """Bind, and hand over what comes until a link is lost; returns why."""
        async with AsyncExitStack() as stack:
            esmes = [
                await stack.enter_async_context(bound(self._settings, command, self._meter))
                for command in _COMMANDS[self._settings.bind_mode]
            ]
            async with asyncio.TaskGroup() as group:
                serving = [group.create_task(esme.serve(self._receive)) for esme in esmes]
                self._esme = esmes[-1]
                self._changed()
                try:
                    links = [esme.link.lost for esme in esmes]
                    lost, _ = await asyncio.wait(links, return_when=asyncio.FIRST_COMPLETED)
                    return lost.pop().result()
                finally:
                    self._esme = None
                    for task in serving:
                        task.cancel()

    def _locked_out(self, status: int) -> float:
        """An operator must act, and trying often would only lock the account."""
        settings = self._settings
        wait = doubling(settings.locked_out_first_seconds, settings.locked_out_last_seconds, self._lock_outs)
        self._lock_outs += 1
        self._meter.credentials_refused()
        log.error(
            "smsc_credentials_refused",
            smsc=settings.name,
            system_id=settings.system_id,
            status=smpp_status.shown(status),
            again_in_seconds=wait,
        )
        return wait
