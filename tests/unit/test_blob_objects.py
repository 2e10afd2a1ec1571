# SPDX-License-Identifier: Apache-2.0
"""An object store that answers badly, late or not at all: an Outage within a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from vvm.domain.errors import Outage
from vvm.store.blobs.key import new_key
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.port import BlobStore
from vvm.store.blobs.settings import BlobSettings

OCTETS = bytes(100)
SECRET = "very-secret"

Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def answering(answer: Answer, *, connections: int = 2) -> AsyncIterator[BlobStore]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        blobs = blob_store(
            BlobSettings(
                url="s3://voicemail/eu",
                endpoint=f"http://127.0.0.1:{server.port}",
                access_key="key-id",
                secret_key=SECRET,
                timeout_seconds=0.3,
                connections=connections,
            )
        )
        assert blobs is not None
        yield blobs


async def test_a_store_that_fails_is_an_outage() -> None:
    async def fail(request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with answering(fail) as blobs:
        with pytest.raises(Outage) as failed:
            await blobs.put(new_key(OCTETS), OCTETS)
        assert SECRET not in str(failed.value)
        assert "key-id" not in str(failed.value)


async def test_a_store_that_does_not_answer_is_an_outage_for_those_who_wait_behind_too() -> None:
    for_ever = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await for_ever.wait()
        return web.Response()

    async with answering(hang, connections=1) as blobs:
        calls = [blobs.put(new_key(OCTETS), OCTETS), blobs.get(new_key(OCTETS)), blobs.get(new_key(OCTETS))]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        for_ever.set()
    assert [type(outcome) for outcome in outcomes] == [Outage] * 3


async def test_octets_that_stop_in_the_middle_are_an_outage() -> None:
    async def cut(request: web.Request) -> web.Response:
        response = web.Response(body=OCTETS)
        response.headers["Content-Length"] = "100000"
        return response

    async with answering(cut) as blobs:
        with pytest.raises(Outage):
            await blobs.get(new_key(OCTETS))


async def test_a_store_that_is_not_there_is_an_outage(unused_tcp_port_factory: Callable[[], int]) -> None:
    endpoint = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    settings = BlobSettings(
        url="s3://voicemail", endpoint=endpoint, access_key="a", secret_key="b", timeout_seconds=0.3
    )
    blobs = blob_store(settings)
    assert blobs is not None
    with pytest.raises(Outage):
        await blobs.delete([new_key(OCTETS)])
