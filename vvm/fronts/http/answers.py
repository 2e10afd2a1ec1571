# SPDX-License-Identifier: Apache-2.0
"""Structs as JSON answers."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web


def document(body: msgspec.Struct, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def created(body: msgspec.Struct, *, location: str) -> web.Response:
    response = document(body, HTTPStatus.CREATED)
    response.headers["Location"] = location
    return response
