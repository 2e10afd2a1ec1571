# SPDX-License-Identifier: Apache-2.0
"""The name of a recording is all that survives of its call, so it carries the call.

``vvm/SUBSCRIBER-EPOCH-CALLER-UUID``: the subscriber's E.164 digits without the plus sign, seconds
since 1970 at the beep, the caller, and 32 hexadecimal digits that make the name unique for ever.  In
CALLER, ASCII letters and digits stand for themselves and any other octet of the UTF-8 text is ``_`` and
two hexadecimal digits; empty means that the number was restricted.  For example
``vvm/33612345678-1795387537-_2b33698765432-0f8fad5bd9cb469fa16570867728950e``.

All of them lie in one folder: a folder for each subscriber would stay behind when it is empty.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from vvm.domain.errors import InvalidNumber
from vvm.domain.numbers import Msisdn, international

PREFIX = "vvm/"
_MAX_CALLER_BYTES = 40  # a file name has 255 octets at most, and an octet here takes three

_NAME = re.compile(r"vvm/([0-9]+)-([0-9]{1,11})-((?:[0-9A-Za-z]|_[0-9a-f]{2})*)-([0-9a-f]{32})\Z")
_PLAIN = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ESCAPED = re.compile(rb"_([0-9a-f]{2})")
_NUMBERS = re.compile(r"\Avvm/.*-(?=[0-9a-f]{32}\Z)")


class InvalidName(ValueError):
    """Not a name that ``format_name`` makes."""


class RecordingName(msgspec.Struct, frozen=True):
    """What is known of a recording."""

    subscriber: Msisdn
    started_at: datetime
    """Aware, in whole seconds."""
    caller: str | None
    """At most 40 octets survive."""
    unique: UUID


def format_name(name: RecordingName) -> str:
    """The name to record to."""
    caller = (name.caller or "").encode()[:_MAX_CALLER_BYTES]
    escaped = "".join(chr(octet) if octet in _PLAIN else f"_{octet:02x}" for octet in caller)
    epoch = int(name.started_at.timestamp())
    return f"{PREFIX}{name.subscriber.removeprefix('+')}-{epoch}-{escaped}-{name.unique.hex}"


def parse_name(text: str) -> RecordingName:
    """The inverse.  Raises InvalidName."""
    found = _NAME.match(text)
    if found is None:
        raise InvalidName
    subscriber, epoch, escaped, unique = found.groups()
    caller = _ESCAPED.sub(lambda octet: bytes.fromhex(octet[1].decode()), escaped.encode())
    try:
        return RecordingName(
            subscriber=international(subscriber),
            started_at=datetime.fromtimestamp(int(epoch), UTC),
            # A cut in the middle of a character loses that character only.
            caller=caller.decode(errors="ignore") or None,
            unique=UUID(hex=unique),
        )
    except (InvalidNumber, ValueError, OverflowError) as error:
        raise InvalidName from error


def discreet(name: str) -> str:
    """What a log may say of a recording: no numbers of people, and still a pattern that finds the file."""
    return _NUMBERS.sub("vvm/*-", name)
