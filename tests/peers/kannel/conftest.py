# SPDX-License-Identifier: Apache-2.0
"""One Kannel for each test, with our gateway in front of it and our simulated SMSC behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from sms_gateway.gateway import SmsGateway
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.peers.kannel.kannel import PASSWORD, USERNAME, Kannel, Missing, free_port, installed, running

TOKEN = "t0ken"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class World:
    """Our gateway, a real Kannel, and behind it a simulated SMSC for numbers other than +1555."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[HandsetSms] = asyncio.Queue()
        self.smsc = SimulatedSmsc(on_sms=self.arrived.put_nowait)
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.kannel: Kannel


Start = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def world(tmp_path: Path) -> Start:
    """Starts a world; ``changes`` are of KannelSettings."""
    try:
        installed()
    except Missing as missing:
        pytest.fail(str(missing))

    @asynccontextmanager
    async def start(**changes: object) -> AsyncIterator[World]:
        it = World()
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        async with (
            it.smsc.running(),
            running(tmp_path, callbacks=f"{base}/kannel", token=TOKEN, smpp_port=it.smsc.port) as it.kannel,
            _gateway(it, port, base, changes),
        ):
            yield it

    return start


@asynccontextmanager
async def _gateway(it: World, port: int, base: str, changes: dict[str, object]) -> AsyncIterator[None]:
    fields: dict[str, object] = {
        "url": it.kannel.url,
        "username": USERNAME,
        "password": PASSWORD,
        "callback_url": base,
        "callback_password": TOKEN,
        "locked_out_seconds": 0.1,
    }
    settings = KannelSettings(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand
    gateway = SmsGateway([], it.outbox, it.inbox, kannels=[settings], clock=SystemClock())
    runner = web.AppRunner(gateway.callbacks(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    task = asyncio.create_task(gateway.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await runner.cleanup()
        assert task.cancelled()
