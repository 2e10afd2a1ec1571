# SPDX-License-Identifier: Apache-2.0
"""``/healthz`` (the process lives), ``/readyz`` (it can serve), ``/metrics``.  They ask for no token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from vvm.domain.errors import Outage
from vvm.fronts.http.answers import document
from vvm.store.port import OutboxStore


class Health(msgspec.Struct, frozen=True):
    status: str


Refresh = Callable[[], Awaitable[None]]
"""Brings figures up to date that nobody counts as they change."""


Prove = Callable[[], Awaitable[None]]
"""Makes sure of what a read does not show: that the store takes writes.  Raises Outage."""
Leaving = Callable[[], bool]
"""Whether this node is about to stop, and only serves until everybody has noticed."""


class HealthRoutes:
    def __init__(
        self,
        outbox: OutboxStore,
        registry: CollectorRegistry,
        *,
        ready_seconds: float,
        refresh: Refresh | None,
        prove: Prove | None,
        leaving: Leaving,
    ) -> None:
        self._outbox = outbox
        self._registry = registry
        self._ready_seconds = ready_seconds
        self._refresh = refresh
        self._prove = prove
        self._leaving = leaving

    async def alive(self, request: web.Request) -> web.Response:
        del request
        return document(Health("alive"))

    async def ready(self, request: web.Request) -> web.Response:
        """Asks the store one thing, however much it owes, and proves the rest.  Raises Outage, TimeoutError.

        No row is decoded: a newer release on the same store may have written what this one cannot read.
        """
        del request
        if self._leaving():
            raise Outage("this node is about to stop: take another one")
        async with asyncio.timeout(self._ready_seconds):
            await self._outbox.has_dead_letters()  # any read would do: this is one of an index
            if self._prove is not None:
                await self._prove()
        return document(Health("ready"))

    async def metrics(self, request: web.Request) -> web.Response:
        del request
        if self._refresh is not None:
            await self._refresh()
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


def parting(leaving: Leaving) -> Middleware:
    """A connection does not outlive its answer on a node that leaves: the next request finds another one."""

    @web.middleware
    async def close(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if leaving():
            response.force_close()
        return response

    return close
