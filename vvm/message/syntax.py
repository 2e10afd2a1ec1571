# SPDX-License-Identifier: Apache-2.0
"""The few forms of RFC 3501 section 9 in which ENVELOPE and BODYSTRUCTURE are kept.

AOSP reads a quoted string up to the next quote and knows no backslash (sheet section 12, trap 3),
so a value that holds either travels as a literal, which every client reads.
"""

from __future__ import annotations

import re

NIL = b"NIL"

_QUOTABLE = re.compile(rb"[\x20-\x21\x23-\x5b\x5d-\x7e]*\Z")


def string(value: str) -> bytes:
    """A quoted string where that is safe for every client, otherwise a literal of UTF-8 octets.

    A NUL, which neither may hold, is left out.
    """
    octets = value.replace("\0", "").encode("utf-8", "replace")
    if _QUOTABLE.match(octets):
        return b'"%b"' % octets
    return b"{%d}\r\n%b" % (len(octets), octets)


def nstring(value: str | None) -> bytes:
    return NIL if value is None else string(value)


def parameters(pairs: tuple[tuple[str, str], ...]) -> bytes:
    """Names and values of a header field in turn, ``NIL`` when there are none."""
    if not pairs:
        return NIL
    return b"(%b)" % b" ".join(string(text) for pair in pairs for text in pair)
