# SPDX-License-Identifier: Apache-2.0
"""Keep one SMSC bound, and work while it is: the object that a program runs."""

from __future__ import annotations

import asyncio

import structlog

from sms_gateway.backoff import doubling, jittered
from sms_gateway.errors import BindRefused, OutcomeUnknown
from sms_gateway.esme import bound
from sms_gateway.inbound import Receiver
from sms_gateway.port import Clock, Inbox, Metrics, NoMetrics, Outbox
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.worker import Worker

log = structlog.get_logger(__name__)


class SmsGateway:
    """One SMSC, one bind.  Several of them may share an outbox: each leases what it can send."""

    def __init__(
        self,
        settings: SmscSettings,
        outbox: Outbox,
        inbox: Inbox,
        *,
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics or NoMetrics()
        self._worker = Worker(settings, outbox)
        self._receiver = Receiver(
            settings, outbox, inbox, settled=self._worker.settled, clock=clock, metrics=self._metrics
        )
        self._bound = asyncio.Event()
        self._failures = 0
        self._lock_outs = 0

    @property
    def bound(self) -> bool:
        """Whether the SMSC takes submits at this moment."""
        return self._bound.is_set()

    async def wait_bound(self) -> None:
        await self._bound.wait()

    async def run(self) -> None:
        """Run until cancelled; then finish or return what is in flight, and unbind.

        Stopping takes at most twice ``drain_seconds`` and twice ``unbind_seconds``.

        Whatever the SMSC does, it is tried again: soon after a lost link, slowly after a refused
        password.  Errors of the ports other than Unavailable are bugs, and end it.
        """
        while True:
            seconds = await self._bind_once()
            await asyncio.sleep(seconds)

    async def _bind_once(self) -> float:
        """Live through one bind; returns the seconds to wait before the next."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            reason = await self._work()
        except BindRefused as error:
            if smpp_status.wrong_credentials(error.status):
                return self._locked_out(error.status)
            reason = f"bind_refused: {smpp_status.name(error.status)}"
        except OutcomeUnknown:
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

    async def _work(self) -> str:
        """Bind, send and receive until the link is lost; returns why."""
        async with bound(self._settings, self._metrics) as esme, asyncio.TaskGroup() as group:
            serving = group.create_task(esme.serve(self._receiver))
            self._bound.set()
            try:
                return await self._worker.pump(esme)
            finally:
                self._bound.clear()
                serving.cancel()

    def _locked_out(self, status: int) -> float:
        """An operator must act, and trying often would only lock the account."""
        settings = self._settings
        wait = doubling(settings.locked_out_first_seconds, settings.locked_out_last_seconds, self._lock_outs)
        self._lock_outs += 1
        log.error(
            "smsc_credentials_refused",
            smsc=settings.name,
            system_id=settings.system_id,
            status=smpp_status.name(status),
            again_in_seconds=wait,
        )
        return wait
