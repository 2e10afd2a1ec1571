# SPDX-License-Identifier: Apache-2.0
"""The event feed over HTTP: pages of JSON, or a stream of server-sent events.

The stream is that of the WHATWG HTML standard, section 9.2 "Server-sent events": each event has its
cursor as ``id``, and a client that comes back says the last one in ``Last-Event-ID``.  A stream ends by
itself before the time that a request may take; its client connects again and misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from vvm.domain.errors import Outage
from vvm.domain.event import Event, EventKind, parse_kinds
from vvm.domain.numbers import Msisdn
from vvm.fronts.http.answers import document
from vvm.fronts.http.request import query_msisdn, query_number
from vvm.fronts.http.settings import HttpSettings
from vvm.services.feed import PAGE_LIMIT, Feed

_PAGE = 100
_STREAM = "text/event-stream"
_LOOK_SECONDS = 0.5
"""How soon a stream hears of an event."""
_QUIET_LOOKS = 30
"""Looks without an event after which a comment keeps the connection from looking dead."""
_SHARE = 0.9
"""Of the time that a request may take."""


class EventPage(msgspec.Struct, frozen=True):
    events: tuple[Event, ...]
    next: str
    """``after`` of the next page: there may always come more."""


class EventRoutes:
    def __init__(self, feed: Feed, settings: HttpSettings) -> None:
        self._feed = feed
        self._seconds = settings.request_seconds * _SHARE
        self._most = settings.max_streams
        self._streams = 0

    async def page(self, request: web.Request) -> web.StreamResponse:
        kinds = parse_kinds(filter(None, request.query.get("kinds", "").split(",")))
        msisdn = query_msisdn(request, "msisdn")
        after = request.headers.get("Last-Event-ID", request.query.get("after", ""))
        if _STREAM in request.headers.get("Accept", ""):
            return await self._stream(request, after, kinds, msisdn)
        limit = query_number(request, "limit", default=_PAGE, least=1, most=PAGE_LIMIT)
        found = tuple(await self._feed.page(after, limit=limit, kinds=kinds, msisdn=msisdn))
        return document(EventPage(found, found[-1].cursor if found else after))

    async def _stream(
        self, request: web.Request, after: str, kinds: Sequence[EventKind], msisdn: Msisdn | None
    ) -> web.StreamResponse:
        if self._streams >= self._most:
            raise Outage("as many streams of events as http.max_streams allows")
        page = await self._feed.page(after, limit=_PAGE, kinds=kinds, msisdn=msisdn)
        response = web.StreamResponse(headers={"Content-Type": _STREAM, "Cache-Control": "no-store"})
        self._streams += 1
        try:
            await response.prepare(request)
            await self._write(response, after, kinds, msisdn, page)
        except ConnectionResetError:
            pass  # the client has gone, as clients of streams do
        finally:
            self._streams -= 1
        return response

    async def _write(
        self,
        response: web.StreamResponse,
        after: str,
        kinds: Sequence[EventKind],
        msisdn: Msisdn | None,
        page: Sequence[Event],
    ) -> None:
        loop = asyncio.get_running_loop()
        end, quiet = loop.time() + self._seconds, 0
        while True:
            if page:
                await response.write(b"".join(map(_block, page)))
                after, quiet = page[-1].cursor, 0
            elif quiet % _QUIET_LOOKS == 0:
                await response.write(b": nothing yet\n\n")
            if loop.time() >= end:
                return
            if not page:
                quiet += 1
                await asyncio.sleep(_LOOK_SECONDS)
            page = await self._feed.page(after, limit=_PAGE, kinds=kinds, msisdn=msisdn)


def _block(event: Event) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        event.cursor.encode(),
        event.kind.value.encode(),
        msgspec.json.encode(event),
    )
