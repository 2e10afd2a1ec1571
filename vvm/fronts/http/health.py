# SPDX-License-Identifier: Apache-2.0
"""``/healthz`` (the process lives), ``/readyz`` (it can serve), ``/metrics``.  They ask for no token."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from vvm.fronts.http.answers import document
from vvm.store.port import OutboxStore


class Health(msgspec.Struct, frozen=True):
    status: str


class HealthRoutes:
    def __init__(self, outbox: OutboxStore, registry: CollectorRegistry, *, ready_seconds: float) -> None:
        self._outbox = outbox
        self._registry = registry
        self._ready_seconds = ready_seconds

    async def alive(self, request: web.Request) -> web.Response:
        del request
        return document(Health("alive"))

    async def ready(self, request: web.Request) -> web.Response:
        """Reads a row of the store.  Raises Outage or TimeoutError when that does not work."""
        del request
        async with asyncio.timeout(self._ready_seconds):
            await self._outbox.counts()
        return document(Health("ready"))

    async def metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
