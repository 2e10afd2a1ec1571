# SPDX-License-Identifier: Apache-2.0
"""What becomes of a subscriber: its end and legal hold, another number, SIM or PIN, further numbers."""

from __future__ import annotations

from datetime import datetime

import msgspec
from aiohttp import web

from vvm.domain.errors import PreconditionFailed
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import conditions, subscriber_tag, tagged
from vvm.fronts.http.fields import E164, Reason
from vvm.fronts.http.repeats import REPEAT
from vvm.fronts.http.request import path_msisdn
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import view
from vvm.services.lifecycle import Lifecycle
from vvm.services.made_pins import PinReset
from vvm.services.provisioning import Provisioning


class HoldDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    held: bool
    reason: Reason


class CloseDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    closed: bool
    reason: Reason


class NumberDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    msisdn: E164
    """The number that it shall have."""
    reason: Reason = ""


class ReasonDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason = ""


class AliasesView(msgspec.Struct, frozen=True):
    aliases: tuple[Msisdn, ...]


class AliasView(msgspec.Struct, frozen=True):
    msisdn: Msisdn
    """The subscriber's own number."""
    alias: Msisdn


class LifecycleRoutes:
    def __init__(
        self,
        lifecycle: Lifecycle,
        provisioning: Provisioning,
        pin_reset: PinReset,
        settings: HttpSettings,
    ) -> None:
        self._lifecycle = lifecycle
        self._provisioning = provisioning
        self._pin_reset = pin_reset
        self._settings = settings

    async def hold(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), HoldDocument)
        step = self._lifecycle.hold if wanted.held else self._lifecycle.release
        decided_at = await self._decided_at(request)
        after = await step(msisdn, reason=wanted.reason, decided_at=decided_at)
        return tagged(document(view(after)), subscriber_tag(after))

    async def close(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), CloseDocument)
        step = self._lifecycle.close if wanted.closed else self._lifecycle.reopen
        decided_at = await self._decided_at(request)
        after = await step(msisdn, reason=wanted.reason, decided_at=decided_at)
        return tagged(document(view(after)), subscriber_tag(after))

    async def renumber(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), NumberDocument)
        new = parse_msisdn(wanted.msisdn)
        after = await self._lifecycle.renumber(msisdn, new, reason=wanted.reason, request=request.get(REPEAT))
        answer = document(view(after))
        answer.headers["Location"] = f"/v1/subscribers/{after.msisdn}"
        return answer

    async def swap_sim(self, request: web.Request) -> web.Response:
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), ReasonDocument)
        after = await self._lifecycle.swap_sim(msisdn, reason=wanted.reason, request=request.get(REPEAT))
        return document(view(after))

    async def reset_pin(self, request: web.Request) -> web.Response:
        """Have a PIN made, which only an SMS to the subscriber says."""
        msisdn, wanted = path_msisdn(request), decode(await self._body(request), ReasonDocument)
        after = await self._pin_reset(msisdn, reason=wanted.reason, request=request.get(REPEAT))
        return document(view(after))

    async def aliases(self, request: web.Request) -> web.Response:
        return document(AliasesView(tuple(await self._lifecycle.aliases(path_msisdn(request)))))

    async def add_alias(self, request: web.Request) -> web.Response:
        msisdn, alias = path_msisdn(request), _path_alias(request)
        if await self._lifecycle.add_alias(msisdn, alias):
            location = f"/v1/subscribers/{msisdn}/aliases/{alias}"
            return created(AliasView(msisdn, alias), location=location)
        if conditions(request).wants_it_new:
            raise PreconditionFailed("it is there already")
        return document(AliasView(msisdn, alias))

    async def remove_alias(self, request: web.Request) -> web.Response:
        await self._lifecycle.remove_alias(path_msisdn(request), _path_alias(request))
        return web.Response(status=204)

    async def _decided_at(self, request: web.Request) -> datetime | None:
        """Hold and closure have no versions of their own: the tag is that of the subscriber."""
        before = await self._provisioning.show(path_msisdn(request))
        return conditions(request).allow(subscriber_tag(before), before.changed_at)

    async def _body(self, request: web.Request) -> bytes:
        settings = self._settings
        return await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)


def _path_alias(request: web.Request) -> Msisdn:
    return parse_msisdn(request.match_info["alias"])
