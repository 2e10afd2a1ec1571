# SPDX-License-Identifier: Apache-2.0
"""What the routes read from path, query and header, each with its limits."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from vvm.domain.errors import BadTime, InvalidNumber
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.http.problems import BadRequest

_CALLER = re.compile(r"\+?[0-9*#]{1,20}\Z")
_NUMBER = re.compile(r"[0-9]{1,10}\Z")
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_SHOWN = 40
"""An unknown name is told no longer than this."""


def knowing(handler: Handler, names: Collection[str]) -> Handler:
    """The handler, for requests whose query has no other names, and each at most once.

    A misspelt one would be taken for one left out.  Raises BadRequest, which names it.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        for name in request.query:
            if name not in names:
                known = f"; known are {', '.join(names)}" if names else ""
                raise BadRequest(f"{name[:_SHOWN]!r} is unknown in the query of this request{known}")
            if len(request.query.getall(name)) > 1:
                raise BadRequest(f"{name} stands in the query more than once")
        return await handler(request)

    return handle


def path_msisdn(request: web.Request) -> Msisdn:
    """The subscriber of the path.  Raises InvalidNumber."""
    return parse_msisdn(request.match_info["msisdn"])


def path_uid(request: web.Request) -> int:
    return int(request.match_info["uid"])


def query_msisdn(request: web.Request, name: str) -> Msisdn | None:
    """A number of the query; None when it is absent.  Raises InvalidNumber."""
    text = _with_plus(request.query.get(name, ""))
    return parse_msisdn(text) if text else None


def query_caller(request: web.Request, name: str) -> str | None:
    """A caller of the query, as ``parse_caller``; None when it is absent.  Raises InvalidNumber."""
    return parse_caller(_with_plus(request.query.get(name, "")))


def parse_caller(text: str) -> str | None:
    """A caller as the network gave it; "" is a restricted number: None.  Raises InvalidNumber."""
    if text and not _CALLER.match(text):
        raise InvalidNumber("a caller must be digits, with a plus sign where the number is international")
    return text or None


def query_number(request: web.Request, name: str, *, default: int, least: int, most: int) -> int:
    """A whole number of the query.  Raises BadRequest."""
    text = request.query.get(name)
    if text is None:
        return default
    if not _NUMBER.match(text) or not least <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number between {least} and {most}")
    return int(text)


def query_time(request: web.Request, name: str, *, now: datetime) -> datetime:
    """A moment of the query (RFC 3339); ``now`` when it is absent.  Raises BadRequest, BadTime.

    Bounded, because a client cannot show the year 1 and a handset sorts by this.
    """
    if name not in request.query:
        return now
    text = _with_plus(request.query[name])
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest(f"{name} must be RFC 3339 with an offset, for example 2026-11-23T08:00:00Z")
    if not _EARLIEST <= moment <= now + _AHEAD:
        raise BadTime(f"{name} must lie between the year 2000 and tomorrow")
    return moment


def idempotency_key(request: web.Request) -> str | None:
    """Of Idempotency-Key; None without one.  Raises BadRequest."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if not _KEY.match(text):
        raise BadRequest("Idempotency-Key must be 1 to 200 printable ASCII characters without spaces")
    return text


def _with_plus(text: str) -> str:
    """A plus sign that nobody percent-encoded reaches us as a space, in a number and in an offset."""
    return text.replace(" ", "+")
