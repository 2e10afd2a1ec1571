# SPDX-License-Identifier: Apache-2.0
"""The API on a socket of its own, over the use cases of ``services_world``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from prometheus_client import CollectorRegistry

from tests.unit.http_contract import validate
from tests.unit.services_world import World
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile
from vvm.fronts.http.app import ApiServices, build_app
from vvm.fronts.http.health import Leaving, Prove
from vvm.fronts.http.server import serving
from vvm.fronts.http.settings import HttpSettings
from vvm.store.port import OutboxStore

TOKEN = "token-of-the-tests"
ANSWER_SECONDS = 20.0


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> dict[str, object]:
        return msgspec.json.decode(self.text, type=dict[str, object])

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code of a problem document."""
        assert self.headers["Content-Type"].startswith("application/problem+json")
        document = self.json
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["X-Request-Id"]
        return self.status, str(document["code"])


class Api:
    """A client with the token."""

    def __init__(self, session: aiohttp.ClientSession, port: int, registry: CollectorRegistry) -> None:
        self._session = session
        self.port = port
        self.registry = registry

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        data: bytes | AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> Answer:
        """One request; ``path`` goes out as it stands, with its query."""
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        async with self._session.request(method, path, json=json, data=data, headers=given) as response:
            body = await response.read()
            validate(method, path, response.status, response.headers, body)
            return Answer(response.status, response.headers, body)

    async def talk(self, octets: bytes) -> bytes:
        """Send octets, which need not be HTTP, and read until the server closes."""
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(octets)
                return await reader.read()
            finally:
                writer.close()
                await writer.wait_closed()


def api_services(world: World, outbox: OutboxStore | None = None) -> ApiServices:
    return ApiServices(
        deposit=world.deposit,
        provisioning=world.provisioning,
        desk=world.desk,
        lists=world.lists,
        recovery=world.recovery,
        lifecycle=world.lifecycle,
        greetings=world.greetings,
        on_behalf=world.on_behalf,
        dead_letters=world.dead_letters,
        resending=world.resending,
        pin_reset=world.pin_reset,
        timeline=world.timeline,
        feed=world.feed,
        webhooks=world.webhooks,
        devices=world.devices,
        classes=world.classes,
        tokens=world.tokens,
        bulk=world.bulk,
        repeats=world.repeats,
        outbox=outbox or world.store.outbox,
        clock=world.clock,
        default_client=ClientProfile(prefix="//CARRIER"),
    )


@asynccontextmanager
async def api(
    world: World,
    settings: HttpSettings | None = None,
    *,
    outbox: OutboxStore | None = None,
    prove: Prove | None = None,
    leaving: Leaving = lambda: False,
) -> AsyncIterator[Api]:
    """Serve ``world``; ``outbox`` stands in for its own where a test needs an outage."""
    settings = settings or HttpSettings()
    registry = CollectorRegistry()
    app = build_app(
        api_services(world, outbox),
        settings,
        token=Secret(TOKEN),
        registry=registry,
        prove=prove,
        leaving=leaving,
    )
    async with (
        serving(app, settings, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        ) as session,
    ):
        yield Api(session, port, registry)
