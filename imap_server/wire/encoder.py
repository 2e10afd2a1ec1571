# SPDX-License-Identifier: Apache-2.0
"""Values to wire form, choosing the form that the most careless client still reads.

AOSP reads a quoted string up to the next quote without looking at backslashes, so whatever holds
``"`` or a backslash travels as a literal (spec/omtp-vvm.md 12, row 3).
"""

from __future__ import annotations

import re
from datetime import datetime

from imap_server.wire import utf7

_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_QUOTABLE = re.compile(rb'[^\x00\r\n"\\\x80-\xff]{0,1000}')
_UTF8_QUOTABLE = re.compile(rb'[^\x00\r\n"\\]{0,1000}')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def literal(value: bytes) -> bytes:
    """``{count}`` CRLF and the octets."""
    return b"{%d}\r\n%b" % (len(value), value)


def string(value: bytes) -> bytes:
    """A quoted string where every client can read it, else a literal."""
    return b'"' + value + b'"' if _QUOTABLE.fullmatch(value) else literal(value)


def nstring(value: bytes | None) -> bytes:
    """A string, or NIL for None."""
    return b"NIL" if value is None else string(value)


def nstring8(value: bytes | None) -> bytes:
    """As ``nstring``; what holds NUL travels as a literal8 (RFC 3516 section 4.2)."""
    return b"~" + literal(value) if value is not None and b"\0" in value else nstring(value)


def astring(value: bytes) -> bytes:
    """A bare atom where that is unambiguous, else a string."""
    if _ATOM.fullmatch(value) and value.upper() != b"NIL":
        return value
    return string(value)


def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A mailbox name: as UTF-8 for a client that enabled IMAP4rev2, else in modified UTF-7."""
    if not utf8:
        return astring(utf7.encode(name))
    octets = name.encode()
    if octets.isascii():
        return astring(octets)
    return b'"' + octets + b'"' if _UTF8_QUOTABLE.fullmatch(octets) else literal(octets)


def date_time(moment: datetime) -> bytes:
    """INTERNALDATE of an aware datetime, quoted, in its own zone (RFC 3501 ``date-time``).

    Month names come from a table: ``strftime`` would follow the process's locale.
    """
    if moment.utcoffset() is None:
        raise ValueError("INTERNALDATE needs a zone")
    iso = moment.isoformat(timespec="seconds")  # 2026-11-28T08:00:00+01:00
    month = _MONTHS[moment.month - 1]
    return f'"{iso[8:10]}-{month}-{iso[:4]} {iso[11:19]} {iso[19:22]}{iso[23:25]}"'.encode()
