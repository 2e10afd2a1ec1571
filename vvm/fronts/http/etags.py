# SPDX-License-Identifier: Apache-2.0
"""A subscriber's entity tag (RFC 9110 section 8.8.3): the moment of its last change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from vvm.domain.errors import SubscriberChanged

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY = "*"


def tagged(response: web.Response, changed_at: datetime) -> web.Response:
    response.headers["ETag"] = _tag(changed_at)
    return response


def is_known(request: web.Request, changed_at: datetime) -> bool:
    """Whether If-None-Match names what there is; weak tags compare equal (section 13.1.2)."""
    tags = [tag.removeprefix("W/") for tag in _tags(request, "If-None-Match")]
    return _tag(changed_at) in tags or _ANY in tags


def decided_at(request: web.Request, changed_at: datetime) -> datetime | None:
    """``changed_at``, what there is, if If-Match names it (section 13.1.1); None without one, and for ``*``.

    Raises SubscriberChanged for other tags.
    """
    tags = _tags(request, "If-Match")
    if not tags or _ANY in tags:
        return None
    if _tag(changed_at) not in tags:
        raise SubscriberChanged
    return changed_at


def _tags(request: web.Request, header: str) -> list[str]:
    """Cut at commas: one inside somebody else's tag makes two, and neither is ours."""
    return [tag.strip() for line in request.headers.getall(header, ()) for tag in line.split(",")]


def _tag(changed_at: datetime) -> str:
    return f'"{(changed_at - _EPOCH) // timedelta(microseconds=1)}"'
