# SPDX-License-Identifier: Apache-2.0
"""Entries of METADATA: their names, and which of them a client asks for (RFC 5464 sections 3.2, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from imap_server.abilities import Annotation
from imap_server.errors import Bad
from imap_server.wire.lexer import Lexer

MOST_ENTRIES = 100
"""In one command."""

SPECIAL_USE = "/private/specialuse"
"""Of a mailbox: its special uses as LIST tells them (RFC 6154 section 4)."""

_NAME = re.compile(r"/(?:private|shared)(?:/[ -$&-)+-.0-~]+)*", re.IGNORECASE)
"""Printable ASCII and blanks without ``*`` and ``%``, no level empty."""
_SCOPES = frozenset({"/private", "/shared"})
_LONGEST_NAME = 255


class Wanted(msgspec.Struct, frozen=True):
    """What GETMETADATA asks for.

    ``depth``: 0 for the entries themselves, 1 for those right below them too, None for all below.
    ``max_bytes``: longer values are left out.
    """

    names: tuple[str, ...]
    depth: int | None = 0
    max_bytes: int | None = None


class Found(msgspec.Struct, frozen=True):
    """``longest`` is the size of the longest value that was left out; 0 when none was."""

    values: Mapping[str, bytes | None]
    longest: int


def name(line: Lexer, *, scope: bool = False) -> str:
    """The name of an entry; with ``scope`` also ``/private`` or ``/shared`` alone.  Raises Bad."""
    text = line.text()
    if len(text) > _LONGEST_NAME or _NAME.fullmatch(text) is None:
        raise Bad("not the name of an entry")
    if text.lower() in _SCOPES and not scope:
        raise Bad("not the name of an entry")
    return text


def select(kept: Iterable[Annotation], wanted: Wanted) -> Found:
    """What of a mailbox's annotations answers a request.

    An entry that is named comes in the spelling of the client, and with None when it has no value; one
    that is below it comes as it is kept, and only with its value.
    """
    by_name = {each.name.lower(): each for each in kept}
    values: dict[str, bytes | None] = {}
    longest = 0
    for asked in wanted.names:
        root = asked.lower()
        for key in (root, *(key for key in by_name if _below(key, root, wanted.depth))):
            held = by_name.get(key)
            if held is None:
                if wanted.depth == 0:
                    values.setdefault(asked, None)
            elif wanted.max_bytes is not None and len(held.value) > wanted.max_bytes:
                longest = max(longest, len(held.value))
            else:
                values[asked if key == root else held.name] = held.value
    return Found(values, longest)


def _below(key: str, root: str, depth: int | None) -> bool:
    if depth == 0 or not key.startswith(root + "/"):
        return False
    return depth is None or "/" not in key[len(root) + 1 :]
