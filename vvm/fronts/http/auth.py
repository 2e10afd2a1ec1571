# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens (RFC 6750 section 2.1), for everything under /v1."""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vvm.domain.errors import Refusal
from vvm.domain.secrets import Secret


class Unauthorized(Refusal):
    code = "unauthorized"


def bearer(token: Secret) -> Middleware:
    """Let in who knows the token.  Raises ValueError for an empty one, which anybody knows.

    Digests are compared and not the tokens: they have one length, so the time that the comparison
    takes says nothing, not even how long the token is.
    """
    if not token:
        raise ValueError("the token of the HTTP API is empty")
    expected = _digest(token.reveal())

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(given.strip()), expected):
            raise Unauthorized("a valid bearer token is needed")
        return await handler(request)

    return middleware


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
