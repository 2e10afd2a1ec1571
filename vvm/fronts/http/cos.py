# SPDX-License-Identifier: Apache-2.0
"""``/v1/cos``: classes of service."""

from __future__ import annotations

from datetime import datetime

import msgspec
from aiohttp import web

from vvm.domain.cos import Cos, Limits
from vvm.domain.subscriber import CosName
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import Conditions, conditions, cos_tag, shown, tagged
from vvm.fronts.http.request import query_cursor, query_limit
from vvm.fronts.http.settings import HttpSettings
from vvm.services.cos import ClassesOfService
from vvm.services.paging import Page


class CosView(msgspec.Struct, frozen=True):
    name: CosName
    limits: Limits
    """Only those that the class has."""
    changed_at: datetime


class CosPage(msgspec.Struct, frozen=True):
    classes: tuple[CosView, ...]
    next: str | None
    """``cursor`` of the next page; null at the end."""


class CosRoutes:
    def __init__(self, classes: ClassesOfService, settings: HttpSettings) -> None:
        self._classes = classes
        self._settings = settings

    async def page(self, request: web.Request) -> web.Response:
        found = await self._classes.page(cursor=query_cursor(request), limit=query_limit(request))
        return document(page_view(found))

    async def show(self, request: web.Request) -> web.Response:
        cos = await self._classes.show(request.match_info["name"])
        return shown(request, document(cos_view(cos)), cos_tag(cos))

    async def put(self, request: web.Request) -> web.Response:
        settings = self._settings
        body = await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
        name, limits, asked = request.match_info["name"], decode(body, Limits), conditions(request)
        before = await self._classes.find(name) if asked != Conditions() else None
        decided_at = None if before is None else asked.allow(cos_tag(before), before.changed_at)
        exists = True if asked.wants_it_there else False if asked.wants_it_new else None
        cos, new = await self._classes.put(name, limits, exists=exists, decided_at=decided_at)
        view = cos_view(cos)
        answer = created(view, location=f"/v1/cos/{cos.name}") if new else document(view)
        return tagged(answer, cos_tag(cos))

    async def remove(self, request: web.Request) -> web.Response:
        before = await self._classes.show(request.match_info["name"])
        decided_at = conditions(request).allow(cos_tag(before), before.changed_at)
        await self._classes.remove(before.name, decided_at=decided_at)
        return web.Response(status=204)


def page_view(page: Page[Cos]) -> CosPage:
    return CosPage(tuple(map(cos_view, page.items)), page.next)


def cos_view(cos: Cos) -> CosView:
    return CosView(cos.name, cos.limits, cos.changed_at)
