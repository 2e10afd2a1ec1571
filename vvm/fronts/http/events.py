# SPDX-License-Identifier: Apache-2.0
"""The event feed over HTTP: pages of JSON, or a stream of server-sent events.

The stream is that of the WHATWG HTML standard, section 9.2 "Server-sent events": each event has its
cursor as ``id``, and a client that comes back says the last one in ``Last-Event-ID``.  A stream ends by
itself before the time that a request may take; its client connects again and misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
from aiohttp import web

from vvm.domain.errors import Outage
from vvm.domain.event import Event, EventKind
from vvm.domain.numbers import Msisdn
from vvm.fronts.http.answers import document
from vvm.fronts.http.request import query_cursor, query_kinds, query_limit, query_moment, query_msisdn
from vvm.fronts.http.settings import HttpSettings
from vvm.services.feed import Feed

FILTERS = ("kinds", "msisdn", "since", "until")
"""What a query of the feed may ask for."""
STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set when the server stops: streams end, their clients go on elsewhere, and nobody waits for them."""
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
    """``cursor`` of the next page: there may always come more."""


class _Wanted(msgspec.Struct, frozen=True):
    kinds: Sequence[EventKind]
    msisdn: Msisdn | None
    since: datetime | None
    until: datetime | None


class EventRoutes:
    def __init__(self, feed: Feed, settings: HttpSettings) -> None:
        self._feed = feed
        self._seconds = settings.request_seconds * _SHARE
        self._most = settings.max_streams
        self._streams = 0

    async def page(self, request: web.Request) -> web.StreamResponse:
        wanted = _Wanted(
            query_kinds(request),
            query_msisdn(request, "msisdn"),
            query_moment(request, "since"),
            query_moment(request, "until"),
        )
        after = request.headers.get("Last-Event-ID", query_cursor(request) or "")
        if _STREAM in request.headers.get("Accept", ""):
            return await self._stream(request, after, wanted)
        return document(page_view(await self._look(after, wanted, query_limit(request)), after))

    async def _stream(self, request: web.Request, after: str, wanted: _Wanted) -> web.StreamResponse:
        if self._streams >= self._most:
            raise Outage("as many streams of events as http.max_streams allows")
        first = await self._look(after, wanted, _PAGE)
        response = web.StreamResponse(headers={"Content-Type": _STREAM, "Cache-Control": "no-store"})
        self._streams += 1
        try:
            await response.prepare(request)
            stopping = request.app[STOPPING]
            async for page in self._pages(after, wanted, first, stopping):
                await response.write(b"".join(map(_block, page)) or b": nothing yet\n\n")
        except ConnectionResetError:
            pass  # the client has gone, as clients of streams do
        finally:
            self._streams -= 1
        return response

    async def _pages(
        self, after: str, wanted: _Wanted, page: Sequence[Event], stopping: asyncio.Event
    ) -> AsyncIterator[Sequence[Event]]:
        """Pages as they come, and an empty one now and then, until the stream has lasted long enough."""
        loop = asyncio.get_running_loop()
        end, quiet = loop.time() + self._seconds, 0
        while True:
            if page:
                after, quiet = page[-1].cursor, 0
            if page or quiet % _QUIET_LOOKS == 0:
                yield page
            if loop.time() >= end or stopping.is_set():
                return
            if not page:
                quiet += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), _LOOK_SECONDS)
            page = await self._look(after, wanted, _PAGE, reached=True)

    async def _look(
        self, after: str, wanted: _Wanted, limit: int, *, reached: bool = False
    ) -> Sequence[Event]:
        return await self._feed.page(
            after,
            limit=limit,
            kinds=wanted.kinds,
            msisdn=wanted.msisdn,
            since=wanted.since,
            until=wanted.until,
            reached=reached,
        )


def page_view(found: Sequence[Event], after: str) -> EventPage:
    return EventPage(tuple(found), found[-1].cursor if found else after)


def _block(event: Event) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        event.cursor.encode(),
        event.kind.value.encode(),
        msgspec.json.encode(event),
    )
