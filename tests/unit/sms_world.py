# SPDX-License-Identifier: Apache-2.0
"""One gateway and one simulated SMSC over real sockets, for the tests of the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

import structlog

from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Coding, NoMetrics, OutboundSms, Retry, Sent
from sms_gateway.settings import SmscSettings
from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc

SYNC = "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
LONG = "//VVM:STATUS:st=R;" + "x" * 150
ACTIVATE = "Activate:pv=13;ct=google.vvm;pt=5499;//VVM"
HANDSET = "+15551230001"


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class CountingMetrics(NoMetrics):
    def __init__(self) -> None:
        self.statuses: list[int | None] = []
        self.results: list[str] = []
        self.widest = 0

    def submitted(self, smsc: str, status: int | None, seconds: float) -> None:
        self.statuses.append(status)

    def inbound(self, smsc: str, result: str) -> None:
        self.results.append(result)

    def window(self, smsc: str, in_flight: int) -> None:
        self.widest = max(self.widest, in_flight)


def sms(number: int = 1, text: str = SYNC, **changes: object) -> OutboundSms:
    fields: dict[str, object] = {
        "id": number,
        "recipient": HANDSET,
        "source": "5511",
        "text": text,
        "coding": Coding.OCTETS,
        "port": 5499,
        "reference": 0x5A,
        "validity": timedelta(days=1),
        "attempt": 0,
    }
    return OutboundSms(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


def quick(port: int, **changes: object) -> SmscSettings:
    """Settings under which every timer that a test waits for is over at once."""
    fields: dict[str, object] = {
        "port": port,
        "password": "secret",
        "rate": 10_000.0,
        "slowest_rate": 1000.0,
        "throttle_pause_seconds": 0.01,
        "reconnect_first_seconds": 0.01,
        "retry_first_seconds": 0.01,
        "hold_first_seconds": 0.01,
        "unknown_seconds": 0.01,
        "drain_seconds": 5.0,
        "unbind_seconds": 5.0,
    }
    return SmscSettings(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


class Logs:
    """A structlog processor that keeps every entry and lets a test wait for one."""

    def __init__(self) -> None:
        self.entries: list[structlog.typing.EventDict] = []
        self._news = asyncio.Event()

    def __call__(
        self, _: object, level: str, entry: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        self.entries.append({**entry, "level": level})
        self._news.set()
        raise structlog.DropEvent

    def named(self, event: str) -> list[structlog.typing.EventDict]:
        return [entry for entry in self.entries if entry["event"] == event]

    async def wait(self, event: str) -> structlog.typing.EventDict:
        while not self.named(event):
            self._news.clear()
            await self._news.wait()
        return self.named(event)[0]


@contextmanager
def logged() -> Iterator[Logs]:
    """Keep what is logged inside the block."""
    before = structlog.get_config()["processors"]
    logs = Logs()
    structlog.configure(processors=[logs])
    try:
        yield logs
    finally:
        structlog.configure(processors=before)


class World:
    """One gateway, one simulated SMSC, and all that they say to each other."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[HandsetSms] = asyncio.Queue()
        self.smsc = SimulatedSmsc(on_sms=self.received.put_nowait)
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.metrics = CountingMetrics()
        self.gateway: SmsGateway

    async def statuses(self, number: int = 1) -> list[int | None]:
        """What was retried on the way to Sent."""
        assert await self.outbox.settled(number) == Sent()
        return [o.status for n, o in self.outbox.outcomes if n == number and isinstance(o, Retry)]


@asynccontextmanager
async def running(gateway: SmsGateway) -> AsyncIterator[None]:
    task = asyncio.create_task(gateway.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


@asynccontextmanager
async def world(simulator: SimulatorSettings | None = None, **changes: object) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        it = World()
        if simulator is not None:
            it.smsc = SimulatedSmsc(simulator, on_sms=it.received.put_nowait)
        await stack.enter_async_context(it.smsc.running())
        it.gateway = SmsGateway(
            [quick(it.smsc.port, **changes)], it.outbox, it.inbox, clock=StillClock(), metrics=it.metrics
        )
        await stack.enter_async_context(running(it.gateway))
        yield it
