# SPDX-License-Identifier: Apache-2.0
"""What phones were told, and what they were not: a number's timeline, dead letters, a new password."""

from __future__ import annotations

import msgspec
from aiohttp import web

from vvm.domain.notification import Cause
from vvm.fronts.http.answers import document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.fields import Reason
from vvm.fronts.http.repeats import REPEAT
from vvm.fronts.http.request import (
    path_msisdn,
    query_choice,
    query_cursor,
    query_limit,
    query_moment,
    query_msisdn,
)
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import view
from vvm.services.dead_letters import DeadLetters
from vvm.services.on_behalf import OnBehalf
from vvm.services.provisioning import Provisioning
from vvm.services.resending import Kind, Resending
from vvm.services.timeline import Entry, Timeline
from vvm.store.port import NotificationRecord

FILTERS = ("msisdn", "cause", "since")
"""What a query of the dead letters may ask for."""


class TimelineView(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]
    """Oldest first."""


class DeadLetterPage(msgspec.Struct, frozen=True):
    notifications: tuple[NotificationRecord, ...]
    next: str | None
    """``cursor`` of the next page; null at the end."""


class Told(msgspec.Struct, frozen=True):
    told: bool
    """false: no client of the number is active, and nothing is sent."""


class ResendDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind
    reason: Reason = ""


class NotificationRoutes:
    def __init__(
        self,
        provisioning: Provisioning,
        on_behalf: OnBehalf,
        dead_letters: DeadLetters,
        timeline: Timeline,
        resending: Resending,
        *,
        settings: HttpSettings,
    ) -> None:
        self._provisioning = provisioning
        self._on_behalf = on_behalf
        self._dead_letters = dead_letters
        self._timeline = timeline
        self._resending = resending
        self._settings = settings

    async def timeline(self, request: web.Request) -> web.Response:
        entries = await self._timeline(path_msisdn(request), limit=query_limit(request))
        return document(TimelineView(tuple(entries)))

    async def activate(self, request: web.Request) -> web.Response:
        return document(view(await self._on_behalf.activate(path_msisdn(request))))

    async def deactivate(self, request: web.Request) -> web.Response:
        return document(view(await self._on_behalf.deactivate(path_msisdn(request))))

    async def announce(self, request: web.Request) -> web.Response:
        """Owe STATUS again, which says everything that a client needs."""
        return document(Told(await self._provisioning.announce(path_msisdn(request))))

    async def tell_again(self, request: web.Request) -> web.Response:
        """Owe a notification of any kind once more."""
        msisdn, settings = path_msisdn(request), self._settings
        body = await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
        wanted = decode(body, ResendDocument)
        await self._resending(msisdn, wanted.kind, reason=wanted.reason)
        return web.Response(status=204)

    async def dead_letters(self, request: web.Request) -> web.Response:
        found = await self._dead_letters.page(
            msisdn=query_msisdn(request, "msisdn"),
            cause=query_choice(request, "cause", Cause),
            since=query_moment(request, "since"),
            cursor=query_cursor(request),
            limit=query_limit(request),
        )
        return document(DeadLetterPage(found.items, found.next))

    async def resend(self, request: web.Request) -> web.Response:
        await self._dead_letters.resend(int(request.match_info["id"]))
        return web.Response(status=204)

    async def rotate(self, request: web.Request) -> web.Response:
        """Replace the IMAP password; only a STATUS SMS says the new one."""
        msisdn = path_msisdn(request)
        return document(view(await self._provisioning.rotate(msisdn, request=request.get(REPEAT))))
