# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens (RFC 6750 section 2.1), for everything under /v1: who calls, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vvm.domain.access import ROLES, Role, Scope, Token
from vvm.domain.actor import acting_as
from vvm.domain.errors import Refusal
from vvm.domain.secrets import Secret
from vvm.fronts.http.access import CALLER_NAME
from vvm.fronts.http.rates import Rates
from vvm.fronts.http.settings import HttpSettings

_ADMIN = "admin.token"
"""What the log calls who has the token of the file."""
_LONGEST_TOKEN = 200


class Unauthorized(Refusal):
    code = "unauthorized"


class Forbidden(Refusal):
    """A valid token whose role does not reach so far."""

    code = "forbidden"


class Caller(msgspec.Struct, frozen=True):
    name: str
    scopes: frozenset[Scope]
    rate: float | None
    """Requests a second; None for as many as it likes."""


CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)


class KnownTokens(Protocol):
    async def known(self, text: str) -> Token | None: ...


def bearer(admin: Secret, tokens: KnownTokens, settings: HttpSettings) -> Middleware:
    """Let in who knows a token.  Raises ValueError for an empty one, which anybody knows.

    ``admin`` is that of http.admin_token_file: whoever reads that file has the machine, so it may do
    everything, as often as it likes.
    """
    if not admin:
        raise ValueError("the token of the HTTP API is empty")
    expected = _digest(admin.reveal())
    rates = Rates(seconds=settings.burst_seconds)

    async def caller(given: str) -> Caller | None:
        # Digests have one length, so the time that their comparison takes says nothing.
        if hmac.compare_digest(_digest(given), expected):
            return Caller(_ADMIN, ROLES[Role.ADMIN], None)
        found = await tokens.known(given) if len(given) <= _LONGEST_TOKEN else None
        if found is None:
            return None
        return Caller(found.name, found.allowed, found.rate or settings.requests_per_second or None)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        found = await caller(given.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Unauthorized("a valid bearer token is needed")
        request[CALLER] = found
        request[CALLER_NAME] = found.name
        if found.rate is not None:
            rates.take(found.name, found.rate)
        with acting_as(f"api:{found.name}"):
            return await handler(request)

    return middleware


def requiring(handler: Handler, scope: Scope | None) -> Handler:
    """The handler, for callers with a scope; None for any.  Raises Forbidden before anything is read."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if scope is not None and scope not in request[CALLER].scopes:
            raise Forbidden(f"this token has no {scope}")
        return await handler(request)

    return handle


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
