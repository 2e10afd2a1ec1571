# SPDX-License-Identifier: Apache-2.0
"""BODY and BODYSTRUCTURE as IMAP answers them (RFC 3501 section 7.4.2).

The order of the extension fields is what AOSP counts on: it looks for the disposition at index 8
of a part, and at index 9 of a text part (sheet section 12, trap 16).
"""

from __future__ import annotations

import msgspec

from vvm.message.syntax import NIL, parameters, string

Pairs = tuple[tuple[str, str], ...]


class Leaf(msgspec.Struct, frozen=True):
    """A part that holds content."""

    media_type: str
    subtype: str
    encoding: str
    octets: int
    """Size in its transfer encoding."""
    parameters: Pairs = ()
    lines: int | None = None
    """Lines in its transfer encoding; only text parts have them."""
    disposition: tuple[str, Pairs] | None = None


class Multipart(msgspec.Struct, frozen=True):
    """A part that holds leaves.  Ours are one level deep: AOSP looks no deeper for audio."""

    subtype: str
    parameters: Pairs
    leaves: tuple[Leaf, ...]


def render_body(part: Multipart) -> bytes:
    """BODY: the form without extension fields."""
    leaves = b"".join(b"(%b)" % _basic(leaf) for leaf in part.leaves)
    return b"(%b %b)" % (leaves, string(part.subtype))


def render_body_structure(part: Multipart) -> bytes:
    """BODYSTRUCTURE: with MD5, disposition, language and location."""
    leaves = b"".join(
        b"(%b NIL %b NIL NIL)" % (_basic(leaf), _disposition(leaf.disposition)) for leaf in part.leaves
    )
    return b"(%b %b %b NIL NIL NIL)" % (leaves, string(part.subtype), parameters(part.parameters))


def _basic(leaf: Leaf) -> bytes:
    fields = [
        string(leaf.media_type),
        string(leaf.subtype),
        parameters(leaf.parameters),
        NIL,  # Content-ID
        NIL,  # Content-Description
        string(leaf.encoding),
        b"%d" % leaf.octets,
    ]
    if leaf.lines is not None:
        fields.append(b"%d" % leaf.lines)
    return b" ".join(fields)


def _disposition(disposition: tuple[str, Pairs] | None) -> bytes:
    if disposition is None:
        return NIL
    name, pairs = disposition
    return b"(%b %b)" % (string(name), parameters(pairs))
