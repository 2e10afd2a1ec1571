# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers/{msisdn}/deleted``: what was deleted, and its way back."""

from __future__ import annotations

from datetime import datetime

import msgspec
from aiohttp import web

from vvm.domain.message import Flags, Kind
from vvm.fronts.http.answers import document
from vvm.fronts.http.repeats import REPEAT
from vvm.fronts.http.request import path_msisdn, query_cursor, query_limit
from vvm.services.paging import Page
from vvm.services.recovery import Recovery
from vvm.store.port import DeletedMessage


class DeletedView(msgspec.Struct, frozen=True):
    id: int
    folder: str
    """Where it was."""
    uid: int
    """What it was called there; a restored message gets another one."""
    kind: Kind
    seen: bool
    caller: str | None
    received_at: datetime
    seconds: int
    size: int
    deleted_at: datetime
    purge_at: datetime
    """When it is lost, unless a legal hold lies on the subscriber."""


class DeletedPage(msgspec.Struct, frozen=True):
    messages: tuple[DeletedView, ...]
    next: str | None


class RecoveryRoutes:
    def __init__(self, recovery: Recovery) -> None:
        self._recovery = recovery

    async def page(self, request: web.Request) -> web.Response:
        found = await self._recovery.page(
            path_msisdn(request), cursor=query_cursor(request), limit=query_limit(request)
        )
        return document(page_view(found))

    async def restore(self, request: web.Request) -> web.Response:
        deleted = int(request.match_info["deleted"])
        restored = await self._recovery.restore(path_msisdn(request), deleted, request=request.get(REPEAT))
        return document(restored)


def page_view(page: Page[DeletedMessage]) -> DeletedPage:
    return DeletedPage(tuple(map(view, page.items)), page.next)


def view(message: DeletedMessage) -> DeletedView:
    return DeletedView(
        id=message.id,
        folder=message.folder,
        uid=message.uid,
        kind=message.kind,
        seen=Flags.SEEN in message.flags,
        caller=message.caller,
        received_at=message.received_at,
        seconds=message.seconds,
        size=message.size,
        deleted_at=message.deleted_at,
        purge_at=message.purge_at,
    )
