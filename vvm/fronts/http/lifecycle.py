# SPDX-License-Identifier: Apache-2.0
"""What becomes of a subscriber: its end and legal hold, another number, another SIM, further numbers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.http.answers import created, document
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


class CloseDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    closed: bool
    reason: Reason
    """For the audit."""


class NumberDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    msisdn: str
    """The number that it shall have."""
    reason: Reason = ""


class SimDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason = ""


class AliasesView(msgspec.Struct, frozen=True):
    aliases: tuple[Msisdn, ...]


class AliasView(msgspec.Struct, frozen=True):
    msisdn: Msisdn
    """The subscriber's own number."""
    alias: Msisdn


class LifecycleRoutes:
    def __init__(self, lifecycle: Lifecycle, settings: HttpSettings) -> None:
        self._lifecycle = lifecycle
        self._settings = settings

    async def hold(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), HoldDocument)
        step = self._lifecycle.hold if wanted.held else self._lifecycle.release
        return document(view(await step(msisdn, reason=wanted.reason)))

    async def close(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), CloseDocument)
        step = self._lifecycle.close if wanted.closed else self._lifecycle.reopen
        return document(view(await step(msisdn, reason=wanted.reason)))

    async def renumber(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), NumberDocument)
        new = parse_msisdn(wanted.msisdn)
        after = await self._lifecycle.renumber(msisdn, new, reason=wanted.reason)
        answer = document(view(after))
        answer.headers["Location"] = f"/v1/subscribers/{after.msisdn}"
        return answer

    async def swap_sim(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), SimDocument)
        return document(view(await self._lifecycle.swap_sim(msisdn, reason=wanted.reason)))

    async def aliases(self, request: web.Request) -> web.Response:
        return document(AliasesView(tuple(await self._lifecycle.aliases(path_msisdn(request)))))

    async def add_alias(self, request: web.Request) -> web.Response:
        msisdn, alias = path_msisdn(request), _path_alias(request)
        if await self._lifecycle.add_alias(msisdn, alias):
            location = f"/v1/subscribers/{msisdn}/aliases/{alias}"
            return created(AliasView(msisdn, alias), location=location)
        return document(AliasView(msisdn, alias))

    async def remove_alias(self, request: web.Request) -> web.Response:
        await self._lifecycle.remove_alias(path_msisdn(request), _path_alias(request))
        return web.Response(status=204)

    async def _body(self, request: web.Request) -> bytes:
        settings = self._settings
        return await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)


def _path_alias(request: web.Request) -> Msisdn:
    return parse_msisdn(request.match_info["alias"])
