# SPDX-License-Identifier: Apache-2.0
"""What the routes read from path, query and header, each with its limits."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from vvm.domain.errors import BadTime, InvalidNumber
from vvm.domain.event import EventKind, parse_kinds
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.http.problems import BadRequest
from vvm.services.paging import PAGE, PAGE_LIMIT

Choice = TypeVar("Choice", bound=StrEnum)

_CALLER = re.compile(r"\+?[0-9*#]{1,20}\Z")
_NUMBER = re.compile(r"[0-9]{1,10}\Z")
_PREFIX = re.compile(r"(\+[0-9]{0,15})?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
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
    """A moment of the query at which something was received; ``now`` when it is absent.

    Raises BadRequest, BadTime.
    """
    if name not in request.query:
        return now
    return parse_received(_with_plus(request.query[name]), name, now=now)


def parse_received(text: str, name: str, *, now: datetime) -> datetime:
    """RFC 3339 with an offset.  Raises BadRequest, BadTime.

    Bounded, because a client cannot show the year 1 and a handset sorts by this.
    """
    moment = parse_moment(text, name)
    if not _EARLIEST <= moment <= now + _AHEAD:
        raise BadTime(f"{name} must lie between the year 2000 and tomorrow")
    return moment


def query_moment(request: web.Request, name: str) -> datetime | None:
    """A moment to compare with (RFC 3339); None when it is absent.  Raises BadRequest."""
    return parse_moment(_with_plus(request.query[name]), name) if name in request.query else None


def query_text(request: web.Request, name: str, *, most: int) -> str | None:
    """Of at most ``most`` characters, none of which controls anything; None when it is absent.

    Raises BadRequest.
    """
    text = request.query.get(name)
    if text is not None and (len(text) > most or _CONTROL.search(text)):
        raise BadRequest(f"{name} must have at most {most} characters, and none that controls anything")
    return text


def query_choice(request: web.Request, name: str, choices: type[Choice]) -> Choice | None:
    """One of an enumeration's values; None when it is absent.  Raises BadRequest."""
    text = request.query.get(name)
    try:
        return None if text is None else choices(text)
    except ValueError:
        raise BadRequest(f"{name} must be one of {', '.join(choices)}") from None


def query_flag(request: web.Request, name: str) -> bool | None:
    """Yes or no; None when it is absent.  Raises BadRequest."""
    text = request.query.get(name)
    if text not in {None, "true", "false"}:
        raise BadRequest(f"{name} must be true or false")
    return None if text is None else text == "true"


def query_prefix(request: web.Request, name: str) -> str:
    """What a number begins with; "" when it is absent.  Raises BadRequest."""
    return parse_prefix(_with_plus(request.query.get(name, "")))


def parse_prefix(text: str) -> str:
    """Raises BadRequest."""
    if not _PREFIX.match(text):
        raise BadRequest("prefix must be a plus sign and at most 15 digits")
    return text


def query_kinds(request: web.Request) -> tuple[EventKind, ...]:
    """Kinds of events, between commas; none when they are absent.  Raises UnknownKind."""
    return parse_kinds(filter(None, request.query.get("kinds", "").split(",")))


def query_cursor(request: web.Request) -> str | None:
    """``next`` of an earlier page; None for the first one."""
    return request.query.get("cursor") or None


def query_limit(request: web.Request) -> int:
    """How many things a page may hold.  Raises BadRequest."""
    return query_number(request, "limit", default=PAGE, least=1, most=PAGE_LIMIT)


def idempotency_key(request: web.Request) -> str | None:
    """Of Idempotency-Key; None without one.  Raises BadRequest."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if not _KEY.match(text):
        raise BadRequest("Idempotency-Key must be 1 to 200 printable ASCII characters without spaces")
    return text


def parse_moment(text: str, name: str) -> datetime:
    """RFC 3339 with an offset.  Raises BadRequest."""
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest(f"{name} must be RFC 3339 with an offset, for example 2026-11-23T08:00:00Z")
    return moment


def _with_plus(text: str) -> str:
    """A plus sign that nobody percent-encoded reaches us as a space, in a number and in an offset."""
    return text.replace(" ", "+")
