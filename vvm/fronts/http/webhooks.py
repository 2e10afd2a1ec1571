# SPDX-License-Identifier: Apache-2.0
"""Webhooks as an operator registers, watches and mends them."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import msgspec
from aiohttp import web

from vvm.domain.event import Event, EventKind
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import conditions, shown, tagged, webhook_tag
from vvm.fronts.http.fields import HookUrl
from vvm.fronts.http.repeats import REPEAT
from vvm.fronts.http.request import query_cursor, query_kinds, query_limit, query_msisdn
from vvm.fronts.http.settings import HttpSettings
from vvm.services.paging import Page
from vvm.services.webhooks import Registered, Webhooks
from vvm.store.events import Parked, Webhook

DEAD_FILTERS = ("kinds", "msisdn")
"""What a query of the dead events may ask for."""


class NewWebhookBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: HookUrl
    kinds: tuple[EventKind, ...] = ()
    cursor: str | None = None
    """Begin behind this cursor; absent: with what happens from now on."""


class WebhookPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is absent stays."""

    url: HookUrl | None = None
    kinds: tuple[EventKind, ...] | None = None
    paused: bool | None = None


class ReplayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: str
    """Of the event feed; "" for the oldest that is kept."""


class WebhookTerms(msgspec.Struct, frozen=True):
    """What was set.  How far it is, which moves with every event, only the list tells."""

    id: int
    url: str
    kinds: tuple[EventKind, ...]
    paused: bool
    created_at: datetime


class WebhookView(msgspec.Struct, frozen=True, omit_defaults=True):
    id: int
    url: str
    kinds: tuple[EventKind, ...]
    paused: bool
    failures: int
    """Rounds in a row in which the endpoint accepted nothing."""
    cursor: str
    created_at: datetime
    secret: str = ""
    """Told once, at the registration and after a rotation."""


class WebhookList(msgspec.Struct, frozen=True):
    webhooks: tuple[WebhookView, ...]


class DeadEvent(msgspec.Struct, frozen=True):
    id: int
    event: Event
    attempts: int
    error: str


class DeadEventPage(msgspec.Struct, frozen=True):
    events: tuple[DeadEvent, ...]
    next: str | None
    """``cursor`` of the next page; null at the end."""


class WebhookRoutes:
    def __init__(self, webhooks: Webhooks, settings: HttpSettings) -> None:
        self._webhooks = webhooks
        self._settings = settings

    async def page(self, request: web.Request) -> web.Response:
        del request
        return document(WebhookList(tuple(view(webhook) for webhook in await self._webhooks.all())))

    async def add(self, request: web.Request) -> web.Response:
        body = decode(await self._body(request), NewWebhookBody)
        made = await self._webhooks.add(body.url, body.kinds, cursor=body.cursor, request=request.get(REPEAT))
        location = f"/v1/webhooks/{made.webhook.id}"
        return tagged(created(told(made), location=location), webhook_tag(made.webhook))

    async def show(self, request: web.Request) -> web.Response:
        webhook = await self._webhooks.show(_number(request))
        return shown(request, document(terms(webhook)), webhook_tag(webhook))

    async def patch(self, request: web.Request) -> web.Response:
        body = decode(await self._body(request), WebhookPatch)
        before = await self._webhooks.show(_number(request))
        changed = await self._webhooks.change(
            before.id,
            url=body.url,
            kinds=body.kinds,
            paused=body.paused,
            as_read=conditions(request).allow(webhook_tag(before), before),
        )
        return tagged(document(view(changed)), webhook_tag(changed))

    async def remove(self, request: web.Request) -> web.Response:
        before = await self._webhooks.show(_number(request))
        as_read = conditions(request).allow(webhook_tag(before), before)
        await self._webhooks.remove(before.id, as_read=as_read)
        return web.Response(status=204)

    async def rotate(self, request: web.Request) -> web.Response:
        return document(told(await self._webhooks.rotate(_number(request), request=request.get(REPEAT))))

    async def replay(self, request: web.Request) -> web.Response:
        body = decode(await self._body(request), ReplayBody)
        return document(view(await self._webhooks.replay(_number(request), body.cursor)))

    async def dead(self, request: web.Request) -> web.Response:
        found = await self._webhooks.dead(
            _number(request),
            kinds=query_kinds(request),
            msisdn=query_msisdn(request, "msisdn"),
            cursor=query_cursor(request),
            limit=query_limit(request),
        )
        return document(dead_page(found))

    async def revive(self, request: web.Request) -> web.Response:
        await self._webhooks.revive(_number(request), int(request.match_info["event"]))
        return web.Response(status=204)

    async def _body(self, request: web.Request) -> bytes:
        settings = self._settings
        return await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)


def view(webhook: Webhook) -> WebhookView:
    """Without its secret, and without the query of its URL, which may hold one of the endpoint's."""
    return WebhookView(
        id=webhook.id,
        url=_shown_url(webhook),
        kinds=webhook.kinds,
        paused=webhook.paused,
        failures=webhook.failures,
        cursor=webhook.cursor,
        created_at=webhook.created_at,
    )


def terms(webhook: Webhook) -> WebhookTerms:
    return WebhookTerms(webhook.id, _shown_url(webhook), webhook.kinds, webhook.paused, webhook.created_at)


def _shown_url(webhook: Webhook) -> str:
    return urlunsplit(urlsplit(webhook.url)._replace(query=""))


def told(made: Registered) -> WebhookView:
    return msgspec.structs.replace(view(made.webhook), secret=made.secret.reveal())


def dead_page(page: Page[Parked]) -> DeadEventPage:
    return DeadEventPage(tuple(map(dead_event, page.items)), page.next)


def dead_event(parked: Parked) -> DeadEvent:
    return DeadEvent(parked.id, parked.event, parked.attempts, parked.error)


def _number(request: web.Request) -> int:
    return int(request.match_info["webhook"])
