# SPDX-License-Identifier: Apache-2.0
"""Lists in pages: what a page holds, and the cursor of the next one.

A cursor names the last thing of its page.  A caller hands back what it was given and reads nothing into it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from vvm.domain.errors import BadCursor, Refusal

T = TypeVar("T")

PAGE_LIMIT = 1000
"""The most that a page holds."""
PAGE = 100
"""What it holds where nobody says otherwise."""
RowNumber = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""What a cursor names where numbers name things."""
_LONGEST = 200


class InvalidLimit(Refusal):
    code = "invalid_limit"


class Page(msgspec.Struct, Generic[T], frozen=True):
    items: tuple[T, ...]
    next: str | None
    """None at the end."""


def check_limit(limit: int) -> None:
    """Raises InvalidLimit."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidLimit(f"limit must lie between 1 and {PAGE_LIMIT}")


def page_of(found: Sequence[T], limit: int, place: Callable[[T], object]) -> Page[T]:
    """A page of ``limit`` things where one more was looked for: whether there is any decides on ``next``."""
    items = tuple(found[:limit])
    return Page(items, cursor_of(place(items[-1])) if len(found) > limit else None)


def cursor_of(place: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str | None, kind: Any) -> Any:
    """What a cursor names, a thing of ``kind``; None without one: the first page.  Raises BadCursor.

    A kind may be Annotated, for which no type of a type has a name.
    """
    if not cursor:
        return None
    if len(cursor) > _LONGEST:
        raise BadCursor
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(text, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadCursor from None
