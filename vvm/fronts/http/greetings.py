# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers/{msisdn}/greetings``: what callers hear, recorded elsewhere or brought by a client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import web

from vvm.domain.clock import Clock
from vvm.domain.message import GREETINGS, Flags, Kind
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.audio import sound, wanted_format
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import conditions, message_tag, shown, tagged
from vvm.fronts.http.problems import BadRequest
from vvm.fronts.http.repeats import REPEAT
from vvm.fronts.http.request import path_msisdn, path_uid
from vvm.fronts.http.settings import HttpSettings
from vvm.services.desk import Desk
from vvm.services.greetings import Greetings
from vvm.store.port import MessageRecord

T = TypeVar("T")

_KINDS = {kind.value: kind for kind in (Kind.NORMAL_GREETING, Kind.VOICE_SIGNATURE)}
_SWITCH = {"true": True, "false": False}


class GreetingView(msgspec.Struct, frozen=True):
    uid: int
    kind: Kind
    active: bool
    """Callers hear it."""
    received_at: datetime
    seconds: int
    size: int
    """Octets of the whole message that holds it, as IMAP counts them."""


class GreetingList(msgspec.Struct, frozen=True):
    greetings: tuple[GreetingView, ...]
    """All of them: a folder holds few."""


class GreetingDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    active: bool


class GreetingRoutes:
    def __init__(
        self,
        greetings: Greetings,
        desk: Desk,
        settings: HttpSettings,
        *,
        clock: Clock,
        places: asyncio.Semaphore,
    ) -> None:
        self._greetings = greetings
        self._desk = desk
        self._settings = settings
        self._clock = clock
        self._places = places

    async def page(self, request: web.Request) -> web.Response:
        found = await self._desk.greetings(path_msisdn(request))
        return document(GreetingList(tuple(map(greeting_view, found))))

    async def add(self, request: web.Request) -> web.Response:
        """Keep the body, whose format is found out from its octets and not from Content-Type."""
        msisdn = path_msisdn(request)
        kind = _one_of(request, "kind", _KINDS, Kind.NORMAL_GREETING)
        active = _one_of(request, "active", _SWITCH, True)  # noqa: FBT003 - the value of a switch
        settings = self._settings
        async with self._places:
            audio = await read_body(
                request, limit_bytes=settings.max_body_bytes, seconds=settings.body_seconds
            )
            stored = await self._greetings.record(
                msisdn,
                audio,
                kind=kind,
                active=active,
                received_at=self._clock.now(),
                request=request.get(REPEAT),
            )
        greeting = await self._desk.greeting(msisdn, stored.uid)
        location = f"/v1/subscribers/{msisdn}/greetings/{stored.uid}"
        return tagged(created(greeting_view(greeting), location=location), message_tag(greeting))

    async def show(self, request: web.Request) -> web.Response:
        greeting = await self._desk.greeting(path_msisdn(request), path_uid(request))
        return shown(request, document(greeting_view(greeting)), message_tag(greeting))

    async def listen(self, request: web.Request) -> web.Response:
        form = wanted_format(request)
        async with self._places:
            audio = await self._desk.listen(path_msisdn(request), path_uid(request), form, folder=GREETINGS)
        return sound(audio, form)

    async def patch(self, request: web.Request) -> web.Response:
        """Let callers hear this one, or not."""
        msisdn, uid, settings = path_msisdn(request), path_uid(request), self._settings
        body = await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
        active = decode(body, GreetingDocument).active
        since = await self._unchanged_since(request)
        after = await self._desk.use_greeting(msisdn, uid, active=active, unchanged_since=since)
        return tagged(document(greeting_view(after)), message_tag(after))

    async def remove(self, request: web.Request) -> web.Response:
        since = await self._unchanged_since(request)
        msisdn, uid = path_msisdn(request), path_uid(request)
        await self._desk.delete(msisdn, uid, folder=GREETINGS, unchanged_since=since)
        return web.Response(status=204)

    async def _unchanged_since(self, request: web.Request) -> int | None:
        before = await self._desk.greeting(path_msisdn(request), path_uid(request))
        return conditions(request).allow(message_tag(before), before.modseq)


def greeting_view(record: MessageRecord) -> GreetingView:
    return GreetingView(
        uid=record.uid,
        kind=record.kind,
        active=Flags.GREETING_ON in record.flags,
        received_at=record.received_at,
        seconds=record.seconds,
        size=record.size,
    )


def _one_of(request: web.Request, name: str, known: Mapping[str, T], default: T) -> T:
    text = request.query.get(name)
    if text is None:
        return default
    if text not in known:
        raise BadRequest(f"{name} must be one of {', '.join(known)}")
    return known[text]
