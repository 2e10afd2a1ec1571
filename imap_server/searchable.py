# SPDX-License-Identifier: Apache-2.0
"""The text of a message as SEARCH compares it: unfolded, decoded, without case.

A transcript lies base64-encoded in its part and a name RFC 2047-encoded in its field; a client
that looks for a word means the word.  Audio is never searched: the client that looks for ``ok``
does not mean two octets of AMR.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parsedate

from imap_server import transfer
from imap_server.backend import PartSpan

_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*\n(?:[ \t].*\n)*)", re.MULTILINE)
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


def field_holds(header: bytes, name: str, text: str) -> bool:
    """Whether a field called ``name`` (lower case) holds ``text``; an empty text asks only for the field."""
    wanted = text.casefold()
    return any(wanted in value.casefold() for each, value in _fields(header) if each == name)


def header_holds(header: bytes, text: str) -> bool:
    """Whether the header holds ``text``, field names included."""
    wanted = text.casefold()
    return any(wanted in f"{name}: {value}".casefold() for name, value in _fields(header))


def body_holds(octets: bytes, parts: tuple[PartSpan, ...], text: str) -> bool:
    """Whether a text part of the message holds ``text``."""
    wanted = text.casefold()
    return any(wanted in each.casefold() for each in _texts(octets, parts))


def first_value(header: bytes, name: str) -> str:
    """The first field called ``name`` (lower case), unfolded and decoded; empty without one."""
    return next((value for each, value in _fields(header) if each == name), "")


def sent_day(header: bytes) -> date | None:
    """The day in the Date field as written there, its zone ignored (RFC 3501 section 6.4.4)."""
    for name, value in _fields(header):
        parsed = parsedate(value) if name == "date" else None
        if parsed is not None:
            try:
                return date(*parsed[:3])
            except (ValueError, OverflowError):
                return None
    return None


def _fields(header: bytes) -> Iterator[tuple[str, str]]:
    for found in _FIELD.finditer(header):
        value = _FOLD.sub("", found[2].decode("utf-8", "replace")).strip()
        yield found[1].decode("ascii").lower(), _decoded(value)


def _decoded(value: str) -> str:
    """RFC 2047 words made readable; as it stands where they are broken."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _texts(octets: bytes, parts: tuple[PartSpan, ...]) -> Iterator[str]:
    for part in parts:
        described = dict(_fields(octets[part.mime_start : part.body_start]))
        kind = described.get("content-type", "text/plain").lower()
        if not kind.startswith("text/"):
            continue
        try:
            content = bytes(
                transfer.decoded(
                    octets[part.body_start : part.body_end],
                    transfer.encoding(octets[part.mime_start : part.body_start]),
                )
            )
        except transfer.UnknownEncoding:
            continue
        charset = _CHARSET.search(kind)
        try:
            yield content.decode(charset[1] if charset else "utf-8", "replace")
        except LookupError:
            yield content.decode("utf-8", "replace")
