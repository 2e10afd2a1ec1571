# SPDX-License-Identifier: Apache-2.0
"""A subscriber's entity tag (RFC 9110 section 8.8.3): the moment of its last change."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from aiohttp import web

from vvm.domain.errors import SubscriberChanged
from vvm.fronts.http.problems import BadRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAG = re.compile(r'"([0-9]{1,16})"\Z')  # microseconds until the year 2286
_ANY = "*"


def tagged(response: web.Response, changed_at: datetime) -> web.Response:
    response.headers["ETag"] = _tag(changed_at)
    return response


def is_known(request: web.Request, changed_at: datetime) -> bool:
    """Whether If-None-Match names what there is; weak tags compare equal (section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    return _tag(changed_at) in tags or _ANY in tags


def decided_at(request: web.Request) -> datetime | None:
    """The moment that If-Match names; None without one, and for ``*``.

    Raises SubscriberChanged for a tag that was never one of ours, BadRequest for more than one tag.
    """
    text = request.headers.get("If-Match")
    if text is None or text.strip() == _ANY:
        return None
    if "," in text:
        raise BadRequest("If-Match takes one tag")
    found = _TAG.match(text.strip())
    if found is None:
        raise SubscriberChanged
    return _EPOCH + timedelta(microseconds=int(found[1]))


def _tag(changed_at: datetime) -> str:
    return f'"{(changed_at - _EPOCH) // timedelta(microseconds=1)}"'
