# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers/{msisdn}/messages``: other systems deposit, look, listen, mark and delete.

Looking never marks a message as heard: only a client that played it may (OMTP 1.3 2.1.1).
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
from aiohttp import web

from vvm.domain.clock import Clock
from vvm.domain.message import INBOX, Envelope, Flags, Kind
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.audio import sound, wanted_format
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import conditions, message_tag, shown, tagged
from vvm.fronts.http.repeats import REPLAYED
from vvm.fronts.http.request import (
    idempotency_key,
    path_msisdn,
    path_uid,
    query_caller,
    query_cursor,
    query_flag,
    query_limit,
    query_moment,
    query_text,
    query_time,
)
from vvm.fronts.http.settings import HttpSettings
from vvm.services.deposit import Deposited, Depositor
from vvm.services.desk import Desk
from vvm.services.lists import Lists
from vvm.services.paging import Page
from vvm.store.port import MessageFilter, MessageRecord

FILTERS = ("folder", "seen", "caller", "since")
"""What a query of the list may ask for."""
_FOLDER = 255
"""The longest name of a folder that is looked for."""


class DepositView(msgspec.Struct, frozen=True):
    uid: int
    seconds: int


class MessageView(msgspec.Struct, frozen=True):
    uid: int
    kind: Kind
    seen: bool
    """A client has played it."""
    caller: str | None
    """null when the number was restricted."""
    received_at: datetime
    seconds: int
    size: int
    """Octets of the whole message, as IMAP counts them."""


class MessageDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seen: bool


class MessagePage(msgspec.Struct, frozen=True):
    messages: tuple[MessageView, ...]
    next: str | None
    """``cursor`` of the next page; null at the end."""


class MessageRoutes:
    def __init__(
        self,
        deposit: Depositor,
        desk: Desk,
        lists: Lists,
        settings: HttpSettings,
        *,
        clock: Clock,
        places: asyncio.Semaphore,
    ) -> None:
        self._deposit = deposit
        self._desk = desk
        self._lists = lists
        self._settings = settings
        self._clock = clock
        self._places = places

    async def add(self, request: web.Request) -> web.Response:
        """Deposit the body, whose format is found out from its octets and not from Content-Type."""
        msisdn = path_msisdn(request)
        envelope = Envelope(
            caller=query_caller(request, "from"),
            received_at=query_time(request, "received_at", now=self._clock.now()),
        )
        given = idempotency_key(request)
        key = None if given is None else f"http:{given}"
        settings = self._settings
        async with self._places:
            audio = await read_body(
                request, limit_bytes=settings.max_body_bytes, seconds=settings.body_seconds
            )
            deposited = await self._deposit(msisdn, audio, envelope, key=key)
        return _deposited(deposited, location=f"/v1/subscribers/{msisdn}/messages/{deposited.uid}")

    async def page(self, request: web.Request) -> web.Response:
        caller = query_caller(request, "caller") or "" if "caller" in request.query else None
        wanted = MessageFilter(
            folder=query_folder(request),
            seen=query_flag(request, "seen"),
            caller=caller,
            since=query_moment(request, "since"),
        )
        found = await self._lists.messages(
            path_msisdn(request), wanted, cursor=query_cursor(request), limit=query_limit(request)
        )
        return document(page_view(found))

    async def show(self, request: web.Request) -> web.Response:
        msisdn, uid = path_msisdn(request), path_uid(request)
        message = await self._desk.message(msisdn, uid, folder=query_folder(request))
        return shown(request, document(view(message)), message_tag(message))

    async def listen(self, request: web.Request) -> web.Response:
        form = wanted_format(request)
        async with self._places:
            audio = await self._desk.listen(
                path_msisdn(request), path_uid(request), form, folder=query_folder(request)
            )
        return sound(audio, form)

    async def patch(self, request: web.Request) -> web.Response:
        msisdn, uid, settings = path_msisdn(request), path_uid(request), self._settings
        body = await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
        seen = decode(body, MessageDocument).seen
        folder, since = query_folder(request), await self._unchanged_since(request)
        after = await self._desk.mark(msisdn, uid, seen=seen, folder=folder, unchanged_since=since)
        return tagged(document(view(after)), message_tag(after))

    async def remove(self, request: web.Request) -> web.Response:
        msisdn, uid = path_msisdn(request), path_uid(request)
        folder, since = query_folder(request), await self._unchanged_since(request)
        await self._desk.delete(msisdn, uid, folder=folder, unchanged_since=since)
        return web.Response(status=204)

    async def _unchanged_since(self, request: web.Request) -> int | None:
        folder = query_folder(request)
        before = await self._desk.message(path_msisdn(request), path_uid(request), folder=folder)
        return conditions(request).allow(message_tag(before), before.modseq)


def query_folder(request: web.Request) -> str:
    """The folder of a request, INBOX where it names none.  Raises BadRequest."""
    return query_text(request, "folder", most=_FOLDER) or INBOX


def page_view(page: Page[MessageRecord]) -> MessagePage:
    return MessagePage(tuple(map(view, page.items)), page.next)


def view(record: MessageRecord) -> MessageView:
    return MessageView(
        uid=record.uid,
        kind=record.kind,
        seen=Flags.SEEN in record.flags,
        caller=record.caller,
        received_at=record.received_at,
        seconds=record.seconds,
        size=record.size,
    )


def _deposited(deposited: Deposited, *, location: str) -> web.Response:
    answer = DepositView(uid=deposited.uid, seconds=deposited.seconds)
    if deposited.created:
        return created(answer, location=location)
    response = document(answer)
    response.headers["Location"] = location
    response.headers[REPLAYED] = "true"
    return response
