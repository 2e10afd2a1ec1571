# SPDX-License-Identifier: Apache-2.0
"""SMS over every SMSC that is configured: the object that a program runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from sms_gateway.inbound import Receiver
from sms_gateway.kannel.callbacks import KannelCallbacks
from sms_gateway.kannel.route import KannelRoute
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.pool import Health, Pool, Route
from sms_gateway.port import Clock, Inbox, Metrics, NoMetrics, Outbox
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp_route import SmppRoute
from sms_gateway.worker import Worker


class SmsGateway:
    """Several SMSCs and Kannels, one outbox, one inbox.  Several gateways may share an outbox."""

    def __init__(
        self,
        smscs: Sequence[SmscSettings],
        outbox: Outbox,
        inbox: Inbox,
        *,
        kannels: Sequence[KannelSettings] = (),
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        """Raises ValueError where nothing is configured to send by."""
        settings: Sequence[SmscSettings | KannelSettings] = [*smscs, *kannels]
        if not settings:
            raise ValueError("no SMSC")
        self._outbox = outbox
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics or NoMetrics()
        self._kannels = kannels
        self._routes: list[Route] = [self._smpp(smsc) for smsc in smscs]
        self._routes += [
            KannelRoute(kannel, metrics=self._metrics, changed=self._changed) for kannel in kannels
        ]
        self._worker = Worker(
            Pool(self._routes),
            outbox,
            idle_seconds=min(each.idle_seconds for each in settings),
            drain_seconds=max(each.drain_seconds for each in settings),
        )
        self._news = asyncio.Event()

    @property
    def bound(self) -> bool:
        """Whether any route takes SMS at this moment."""
        now = asyncio.get_running_loop().time()
        return any(route.health(now) is Health.UP for route in self._routes)

    async def wait_bound(self) -> None:
        while not self.bound:
            self._news.clear()
            await self._news.wait()

    async def run(self) -> None:
        """Run until cancelled; then finish or return what is in flight, and unbind.

        Stopping takes at most twice ``drain_seconds`` and twice ``unbind_seconds``.

        Whatever an SMSC does, it is tried again.  Errors of the ports other than Unavailable are
        bugs, and end it.
        """
        async with asyncio.TaskGroup() as group:
            for route in self._routes:
                group.create_task(route.run())
            # When cancelled it drains before it ends, and only then does the group end the routes.
            await self._worker.run()

    @property
    def names(self) -> list[str]:
        """Of the SMSCs and Kannels."""
        return [route.name for route in self._routes]

    def connected(self, name: str) -> bool:
        """Whether this one is there, so that it could be sent by."""
        return any(route.connected for route in self._routes if route.name == name)

    def share(self, name: str, part: float, until: float) -> None:
        """Others send by this one too: so much of its contracted rate is ours, until then.

        ``until`` is a time of the event loop.  Who never calls this has all of it for ever.
        """
        for route in self._routes:
            if route.name == name:
                route.share(part, until)
        self._changed()

    def callbacks(self) -> web.Application:
        """What Kannels report to: ``/NAME/mo`` and ``/NAME/dlr``.

        It must be served by the process that runs this gateway, because a report may overtake the
        answer to the request that it is about.
        """
        app = web.Application()
        for kannel in self._kannels:
            reports = KannelCallbacks(
                kannel,
                self._outbox,
                self._inbox,
                settled=self._settled,
                clock=self._clock,
                metrics=self._metrics,
            )
            app.add_subapp(f"/{kannel.name}", reports.app())
        return app

    def _smpp(self, settings: SmscSettings) -> SmppRoute:
        receiver = Receiver(
            settings,
            self._outbox,
            self._inbox,
            settled=self._settled,
            clock=self._clock,
            metrics=self._metrics,
        )
        return SmppRoute(settings, receiver, metrics=self._metrics, changed=self._changed)

    async def _settled(self, recipient: str) -> None:
        await self._worker.settled(recipient)

    def _changed(self) -> None:
        self._worker.wake()
        self._news.set()
