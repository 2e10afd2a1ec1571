# SPDX-License-Identifier: Apache-2.0
"""An operator's system hears of every deposit, in order, over ``kill -9`` of ours and failures of its own."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from tests.process.clients import Api, Callers, api_of
from tests.process.outcome import orders
from tests.process.phones import PEOPLE, Phones
from tests.process.program import running

pytestmark = pytest.mark.process

MORE = """
[webhook]
allow_http = true
lease_seconds = 4
post_seconds = 1.0
"""


class Endpoint:
    """Refuses every seventh request for now, remembers what it accepted, by subscriber."""

    def __init__(self) -> None:
        self.port = 0
        self.uids: dict[str, list[int]] = defaultdict(list)
        """In the order in which each was first heard of."""
        self.requests = 0
        self._news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.requests % 7 == 0:
            return web.Response(status=503)
        event = msgspec.json.decode(await request.read())
        known = self.uids[event["msisdn"]]
        if event["uid"] not in known:
            known.append(event["uid"])
        self._news.set()
        return web.Response(status=204)

    async def heard(self, wanted: dict[str, list[int]]) -> None:
        async with asyncio.timeout(60):
            while any(len(self.uids[msisdn]) < len(uids) for msisdn, uids in wanted.items()):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    app = web.Application()
    app.router.add_post("/vvm", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


async def test_every_deposit_is_told_in_order_over_two_kills(tmp_path: Path, handsets: Phones) -> None:
    async with (
        endpoint() as crm,
        running(tmp_path, smsc_port=handsets.smsc.port, more=MORE) as program,
        api_of(program) as api,
    ):
        for msisdn in PEOPLE:
            await api.add(msisdn)
        await register(api, crm.port)
        callers = Callers(api, orders(200))
        async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            tasks.create_task(callers.run())
            for progress in (60, 140):
                await callers.reached(progress)
                await program.kill_and_restart()
        wanted: dict[str, list[int]] = {msisdn: [] for msisdn in PEOPLE}
        for order, uid in callers.acknowledged.items():
            wanted[order.recipient].append(uid)
        await crm.heard(wanted)
        assert dict(crm.uids) == {msisdn: sorted(uids) for msisdn, uids in wanted.items()}


async def register(api: Api, port: int) -> None:
    body = {"url": f"http://127.0.0.1:{port}/vvm", "kinds": ["message.deposited"]}
    assert (await api.call("POST", "webhooks", json=body))[0] == 201
