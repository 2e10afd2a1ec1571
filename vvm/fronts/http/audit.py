# SPDX-License-Identifier: Apache-2.0
"""``/v1/audit``: who did what to whom, the newest first."""

from __future__ import annotations

import msgspec
from aiohttp import web

from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.fronts.http.answers import document
from vvm.fronts.http.request import (
    path_msisdn,
    query_choice,
    query_cursor,
    query_limit,
    query_moment,
    query_msisdn,
    query_text,
)
from vvm.services.lists import Lists
from vvm.services.paging import Page
from vvm.store.port import Audited, AuditFilter

FILTERS = ("actor", "trigger", "since", "until")
"""What a query of the audit may ask for, also in that of one number."""
_ACTOR = 100


class AuditPage(msgspec.Struct, frozen=True):
    entries: tuple[Audited, ...]
    """The newest first."""
    next: str | None
    """``cursor`` of the next page; null at the end."""


class AuditRoutes:
    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    async def page(self, request: web.Request) -> web.Response:
        return await self._page(request, query_msisdn(request, "msisdn"))

    async def of_one(self, request: web.Request) -> web.Response:
        """The transitions of a number, also of one that is gone."""
        return await self._page(request, path_msisdn(request))

    async def _page(self, request: web.Request, msisdn: Msisdn | None) -> web.Response:
        wanted = AuditFilter(
            msisdn=msisdn,
            actor=query_text(request, "actor", most=_ACTOR),
            trigger=query_choice(request, "trigger", Trigger),
            since=query_moment(request, "since"),
            until=query_moment(request, "until"),
        )
        found = await self._lists.audit(wanted, cursor=query_cursor(request), limit=query_limit(request))
        return document(page_view(found))


def page_view(page: Page[Audited]) -> AuditPage:
    return AuditPage(page.items, page.next)
