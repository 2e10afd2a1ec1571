# SPDX-License-Identifier: Apache-2.0
"""BODY and BODYSTRUCTURE as IMAP answers them (RFC 3501 section 7.4.2).

The order of the extension fields is what AOSP counts on: it looks for the disposition at index 8
of a part, and at index 9 of a text part (sheet section 12, trap 16).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from vvm.message.syntax import NIL, nstring, parameters, string

Pairs = tuple[tuple[str, str], ...]


class Embedded(msgspec.Struct, frozen=True):
    """What message/rfc822 says of the message inside."""

    envelope: bytes
    """In ready IMAP syntax."""
    body: Part


class Leaf(msgspec.Struct, frozen=True):
    """A part that holds content."""

    media_type: str
    subtype: str
    encoding: str
    octets: int
    """Size in its transfer encoding."""
    parameters: Pairs = ()
    lines: int | None = None
    """Lines in its transfer encoding; only text and embedded messages have them."""
    disposition: tuple[str, Pairs] | None = None
    content_id: str | None = None
    description: str | None = None
    embedded: Embedded | None = None
    """Of message/rfc822, and of nothing else."""


class Multipart(msgspec.Struct, frozen=True):
    """A part that holds parts, one at least.  Ours are one level deep: AOSP looks no deeper for audio."""

    subtype: str
    parameters: Pairs
    parts: tuple[Part, ...]
    disposition: tuple[str, Pairs] | None = None


Part: TypeAlias = Leaf | Multipart


def render_body(part: Part) -> bytes:
    """BODY: the form without extension fields."""
    if isinstance(part, Multipart):
        return b"(%b %b)" % (b"".join(map(render_body, part.parts)), string(part.subtype))
    return b"(%b)" % _basic(part, render_body)


def render_body_structure(part: Part) -> bytes:
    """BODYSTRUCTURE: with MD5, disposition, language and location."""
    disposition = _disposition(part.disposition)
    if isinstance(part, Multipart):
        parts = b"".join(map(render_body_structure, part.parts))
        pairs = parameters(part.parameters)
        return b"(%b %b %b %b NIL NIL)" % (parts, string(part.subtype), pairs, disposition)
    return b"(%b NIL %b NIL NIL)" % (_basic(part, render_body_structure), disposition)


def _basic(leaf: Leaf, render: Callable[[Part], bytes]) -> bytes:
    fields = [
        string(leaf.media_type),
        string(leaf.subtype),
        parameters(leaf.parameters),
        nstring(leaf.content_id),
        nstring(leaf.description),
        string(leaf.encoding),
        b"%d" % leaf.octets,
    ]
    if leaf.embedded is not None:
        fields += [leaf.embedded.envelope, render(leaf.embedded.body)]
    if leaf.lines is not None:
        fields.append(b"%d" % leaf.lines)
    return b" ".join(fields)


def _disposition(disposition: tuple[str, Pairs] | None) -> bytes:
    if disposition is None:
        return NIL
    name, pairs = disposition
    return b"(%b %b)" % (string(name), parameters(pairs))
