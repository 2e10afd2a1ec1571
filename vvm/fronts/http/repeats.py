# SPDX-License-Identifier: Apache-2.0
"""``Idempotency-Key`` on every route that changes something (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum, auto

from aiohttp import web
from aiohttp.typedefs import Handler

from vvm.domain.errors import Outage, Refusal
from vvm.fronts.http.auth import CALLER
from vvm.fronts.http.body import read_body
from vvm.fronts.http.request import idempotency_key
from vvm.fronts.http.settings import HttpSettings
from vvm.services.repeats import Answer, Repeats, digest

REPLAYED = "Idempotency-Replayed"
REPEAT: web.RequestKey[bytes] = web.RequestKey("repeat", bytes)
"""Names what a request with a key does: the same request after a crash finds it, and does it only once."""
_KEPT = ("Content-Type", "Location", "ETag", "Cache-Control")
_SAFE = frozenset({"GET", "HEAD"})
_SLACK_SECONDS = 5.0
"""Between the end that a request's time-out makes and the moment when nobody works on it any more."""


class Body(Enum):
    """What a route takes, which says how large it may be."""

    DOCUMENT = auto()
    BATCH = auto()
    RECORDING = auto()


Harmless = Callable[[bytes], bool]
"""Of a body: whether the request does no harm when it is carried out twice."""


def always(body: bytes) -> bool:
    """PUT, PATCH and DELETE do the same twice as once, and a POST finds by REPEAT what it has done."""
    del body
    return True


class Keys:
    """Puts handlers behind their keys."""

    def __init__(self, repeats: Repeats, settings: HttpSettings) -> None:
        self._repeats = repeats
        self._settings = settings
        self._keep = timedelta(hours=settings.idempotency_hours)
        self._busy = timedelta(seconds=settings.request_seconds + _SLACK_SECONDS)
        self._most = {
            Body.DOCUMENT: settings.max_json_bytes,
            Body.BATCH: settings.max_batch_bytes,
            Body.RECORDING: settings.max_body_bytes,
        }
        self._uploads = asyncio.Semaphore(settings.max_deposits)

    def keyed(self, method: str, handler: Handler, *, body: Body, harmless: Harmless = always) -> Handler:
        """The handler, which is not called again for a request that it has answered.

        Only what was done is kept: a refusal changed nothing and leaves its key free.  A request is
        carried out twice when a crash has hidden its end, and ``harmless`` says whether it may be.
        """
        if method in _SAFE:
            return handler

        async def handle(request: web.Request) -> web.StreamResponse:
            given = idempotency_key(request)
            if given is None:
                return await handler(request)
            async with self._read(request, body) as octets:
                key = digest(request[CALLER].name.encode(), given.encode())
                asked = digest(method.encode(), request.raw_path.encode(), octets)
                request[REPEAT] = digest(key, asked)
                again = harmless(octets)
                known = await self._repeats.begin(key, asked, keep=self._keep, busy=self._busy, again=again)
                if known is not None:
                    return _replayed(known)
                return await self._carried_out(key, handler, request, again=again)

        return handle

    async def _carried_out(
        self, key: bytes, handler: Handler, request: web.Request, *, again: bool
    ) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Refusal:
            await self._repeats.release(key)
            raise
        except Outage:
            # A commit that went unanswered may have been one: only what does no harm is free at once.
            if again:
                await self._repeats.release(key)
            raise
        await self._repeats.finish(key, _whole(response))
        return response

    @asynccontextmanager
    async def _read(self, request: web.Request, body: Body) -> AsyncIterator[bytes]:
        """The body, which the handler will find again; few recordings are in memory at a time."""
        seconds, most = self._settings.body_seconds, self._most[body]
        if body is not Body.RECORDING:
            yield await read_body(request, limit_bytes=most, seconds=seconds)
            return
        async with self._uploads:
            yield await read_body(request, limit_bytes=most, seconds=seconds)


def _whole(response: web.StreamResponse) -> Answer:
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes | None):
        raise TypeError("an answer that is kept must be whole")
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    return Answer(response.status, headers, response.body or b"")


def _replayed(answer: Answer) -> web.Response:
    headers = answer.headers | {REPLAYED: "true"}
    return web.Response(status=answer.status, headers=headers, body=answer.body or None)
