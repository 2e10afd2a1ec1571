# SPDX-License-Identifier: Apache-2.0
"""What phones were told, and what they were not: a number's timeline, dead letters, a new password."""

from __future__ import annotations

import msgspec
from aiohttp import web

from vvm.fronts.http.answers import document
from vvm.fronts.http.cursor import next_cursor, query_number_cursor
from vvm.fronts.http.request import path_msisdn, query_number
from vvm.fronts.http.subscribers import view
from vvm.services.dead_letters import PAGE_LIMIT, DeadLetters
from vvm.services.on_behalf import OnBehalf
from vvm.services.provisioning import PAGE_LIMIT as AUDIT_LIMIT
from vvm.services.provisioning import Provisioning
from vvm.services.timeline import LIMIT, Entry, Timeline
from vvm.store.port import Audited, NotificationRecord

_PAGE = 100


class TimelineView(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]
    """Oldest first."""


class DeadLetterPage(msgspec.Struct, frozen=True):
    notifications: tuple[NotificationRecord, ...]
    next: str | None
    """``cursor`` of the next page; null at the end."""


class AuditView(msgspec.Struct, frozen=True):
    entries: tuple[Audited, ...]
    """Oldest first."""


class Told(msgspec.Struct, frozen=True):
    told: bool
    """false: no client of the number is active, and nothing is sent."""


class NotificationRoutes:
    def __init__(
        self,
        provisioning: Provisioning,
        on_behalf: OnBehalf,
        dead_letters: DeadLetters,
        timeline: Timeline,
    ) -> None:
        self._provisioning = provisioning
        self._on_behalf = on_behalf
        self._dead_letters = dead_letters
        self._timeline = timeline

    async def timeline(self, request: web.Request) -> web.Response:
        limit = query_number(request, "limit", default=_PAGE, least=1, most=LIMIT)
        return document(TimelineView(tuple(await self._timeline(path_msisdn(request), limit=limit))))

    async def audit(self, request: web.Request) -> web.Response:
        """The transitions of a number, also of one that is gone."""
        limit = query_number(request, "limit", default=_PAGE, least=1, most=AUDIT_LIMIT)
        return document(AuditView(tuple(await self._provisioning.audit(path_msisdn(request), limit=limit))))

    async def activate(self, request: web.Request) -> web.Response:
        return document(view(await self._on_behalf.activate(path_msisdn(request))))

    async def deactivate(self, request: web.Request) -> web.Response:
        return document(view(await self._on_behalf.deactivate(path_msisdn(request))))

    async def announce(self, request: web.Request) -> web.Response:
        """Owe STATUS again, which says everything that a client needs."""
        return document(Told(await self._provisioning.announce(path_msisdn(request))))

    async def dead_letters(self, request: web.Request) -> web.Response:
        limit = query_number(request, "limit", default=_PAGE, least=1, most=PAGE_LIMIT)
        after = query_number_cursor(request)
        found = tuple(await self._dead_letters.page(after=after, limit=limit))
        return document(DeadLetterPage(found, next_cursor(found[-1].id) if len(found) == limit else None))

    async def resend(self, request: web.Request) -> web.Response:
        await self._dead_letters.resend(int(request.match_info["id"]))
        return web.Response(status=204)

    async def rotate(self, request: web.Request) -> web.Response:
        """Replace the IMAP password; only a STATUS SMS says the new one."""
        return document(view(await self._provisioning.rotate(path_msisdn(request))))
