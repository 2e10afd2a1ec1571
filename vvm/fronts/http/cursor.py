# SPDX-License-Identifier: Apache-2.0
"""Cursors of lists.  A caller hands back what it was given and reads nothing into it."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from vvm.domain.errors import BadCursor, InvalidNumber
from vvm.domain.numbers import Msisdn, parse_msisdn

_LONGEST = 200


def next_cursor(last: str | int) -> str:
    """The cursor of what comes after the last thing of a page."""
    return base64.urlsafe_b64encode(str(last).encode()).decode().rstrip("=")


def query_cursor(request: web.Request) -> str | None:
    """After what the page starts; None for the first.  Raises BadCursor."""
    given = request.query.get("cursor")
    if not given:
        return None
    given = given[:_LONGEST]
    try:
        padded = given + "=" * (-len(given) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if not text.isprintable() or not text:
        raise BadCursor
    return text


def query_msisdn_cursor(request: web.Request) -> Msisdn | None:
    """As ``query_cursor``, where a number with its plus sign names the last thing."""
    text = query_cursor(request)
    try:
        return None if text is None else parse_msisdn(text)
    except InvalidNumber:
        raise BadCursor from None


def query_number_cursor(request: web.Request) -> int:
    """As ``query_cursor``, where a number names the last thing; 0 for the first page."""
    text = query_cursor(request)
    if text is None:
        return 0
    if not text.isdecimal() or len(text) > len(str(2**32)):
        raise BadCursor
    return int(text)
