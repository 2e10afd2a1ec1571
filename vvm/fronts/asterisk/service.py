# SPDX-License-Identifier: Apache-2.0
"""The front as one object: calls by ARI, intake of their recordings, and the spool agent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.ari import AriClient, AriOutage, AriRefusal
from vvm.fronts.asterisk.depositor import Delivery
from vvm.fronts.asterisk.intake import Intake
from vvm.fronts.asterisk.media import Greetings, MediaShelf
from vvm.fronts.asterisk.settings import AsteriskSettings
from vvm.fronts.asterisk.spool import SpoolAgent
from vvm.fronts.asterisk.switchboard import Switchboard
from vvm.services.deposit import Depositor

log = structlog.get_logger(__name__)


class AsteriskFront:
    """Capture on one media node.

    ``run`` lasts until it is cancelled, whatever the node does in between.  At the end, callers who
    still hear the greeting go to the dialplan's fallback, and those who speak are left to the node: it
    goes on recording, and the next run takes the message in.  Killing the process costs no message
    either.  One process serves one application of one node.
    """

    def __init__(
        self,
        settings: AsteriskSettings,
        password: Secret,
        deposit: Depositor,
        *,
        clock: Clock,
        greetings: Greetings | None = None,
    ) -> None:
        """Without ``greetings``, or without ``media_listen``, every caller hears the system's greeting."""
        self._settings = settings
        self._greetings = greetings
        self._shelf = MediaShelf()
        self.delivery = Delivery(
            deposit,
            clock,
            retry_after=timedelta(seconds=settings.retry_refused_every),
            seconds=settings.deposit_seconds,
        )
        """What became of the messages; its counts are for the metrics."""
        self._ari = AriClient(settings, password)
        self._intake = Intake(self._ari, self.delivery, settings)
        own_greeting = self._own_greeting if greetings is not None and settings.media_listen else None
        self._switchboard = Switchboard(self._ari, self._intake, settings, clock, own_greeting=own_greeting)
        self.spool = SpoolAgent(settings, self.delivery, clock) if settings.spool else None
        """Its counts are for the metrics; None where no spool is drained."""

    @property
    def connected(self) -> bool:
        """Calls are taken at this moment; without it the dialplan uses its fallback."""
        return self._switchboard.connected.is_set()

    async def wait_connected(self) -> None:
        """Return as soon as calls are taken."""
        await self._switchboard.connected.wait()

    async def run(self) -> None:
        """Serve until cancelled; returns at once when neither ARI nor a spool is configured."""
        async with asyncio.TaskGroup() as tasks:
            if self.spool is not None:
                tasks.create_task(self.spool.run())
            if self._settings.ari:
                tasks.create_task(self._serve_node())

    async def _serve_node(self) -> None:
        async with self._ari, self._media():
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._intake.run())
                    tasks.create_task(self._stay_connected())
            finally:
                await self._switchboard.release()

    @asynccontextmanager
    async def _media(self) -> AsyncIterator[None]:
        """The node can fetch greetings while the block runs."""
        if not self._settings.media_listen:
            yield
            return
        host, _, port = self._settings.media_listen.rpartition(":")
        async with self._shelf.serving(host=host.strip("[]"), port=int(port), base=self._settings.media_url):
            yield

    async def _own_greeting(self, subscriber: Msisdn) -> str | None:
        if self._greetings is None:
            return None
        sound = await self._greetings.audio(subscriber)
        return None if sound is None else self._shelf.offer(sound)

    async def _stay_connected(self) -> None:
        wait = self._settings.reconnect_seconds
        while True:
            try:
                await self._switchboard.serve()
                wait = self._settings.reconnect_seconds
            except (AriOutage, AriRefusal) as error:
                log.warning("ari_not_connected", reason=str(error))
                wait = min(wait * 2, self._settings.reconnect_max_seconds)
            # Up to half of it by chance, so that many nodes do not come back in step.
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret
