# SPDX-License-Identifier: Apache-2.0
"""What becomes of a subscriber: legal hold."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from vvm.fronts.http.answers import document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.request import path_msisdn
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import view
from vvm.services.lifecycle import Lifecycle

Reason = Annotated[str, msgspec.Meta(max_length=200)]


class HoldDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    held: bool
    reason: Reason
    """For the audit."""


class LifecycleRoutes:
    def __init__(self, lifecycle: Lifecycle, settings: HttpSettings) -> None:
        self._lifecycle = lifecycle
        self._settings = settings

    async def hold(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), HoldDocument)
        step = self._lifecycle.hold if wanted.held else self._lifecycle.release
        return document(view(await step(msisdn, reason=wanted.reason)))

    async def _body(self, request: web.Request) -> bytes:
        settings = self._settings
        return await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
