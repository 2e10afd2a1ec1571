# SPDX-License-Identifier: Apache-2.0
"""The text of an SMS to a handset: ``<prefix>:<EVENT>:<key>=<value>;…`` (OMTP 1.3 2.9.1).

Writing and reading stand together because each is the measure of the other.  Reading follows AOSP
to the letter (sheet section 4): whatever AOSP would throw away as a whole is None here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

SYNC = "SYNC"
STATUS = "STATUS"

_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]*\Z")


class SystemSms(msgspec.Struct, frozen=True):
    """A system SMS without its prefix.  The fields of a STATUS hold a password: never log them."""

    event: str
    fields: Mapping[str, str]

    def __repr__(self) -> str:
        return f"SystemSms(event={self.event!r}, fields={list(self.fields)!r})"


def render_system_sms(sms: SystemSms, prefix: str) -> str:
    """The text, fields in the order of the mapping.

    Raises ValueError when a value holds ``;`` or anything that is not printable ASCII; the message
    names the key only.
    """
    for key, value in sms.fields.items():
        if not _VALUE.match(value):
            raise ValueError(f"the value of {key} cannot travel in an SMS")
    fields = ";".join(f"{key}={value}" for key, value in sms.fields.items())
    return f"{prefix}:{sms.event}:{fields}"


def parse_system_sms(text: str, prefix: str) -> SystemSms | None:
    """Read as AOSP does; None when AOSP would not take the text for a visual voicemail SMS.

    Both colons are needed, keys and values are not trimmed, values may hold ``=`` and ``:``, empty
    pieces are skipped, and one piece without a key spoils the whole.  Of a repeated key the last counts.
    """
    head = f"{prefix}:"
    if not text.startswith(head):
        return None
    event, colon, rest = text[len(head) :].partition(":")
    if not colon:
        return None
    fields: dict[str, str] = {}
    for piece in filter(None, rest.split(";")):
        key, equals, value = piece.partition("=")
        if not key or not equals:
            return None
        fields[key] = value
    return SystemSms(event, MappingProxyType(fields))
