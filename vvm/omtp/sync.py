# SPDX-License-Identifier: Apache-2.0
"""SYNC: tell the handset that its mailbox moved (OMTP 1.3 2.9.1, sheet section 7)."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

import msgspec

from vvm.domain.message import Kind
from vvm.omtp.system import SYNC, SystemSms, render_system_sms

_MAX_COUNT = 99999  # five digits
_NOT_DIALLED = re.compile(r"[^A-Za-z0-9+*#-]")
_MAX_SENDER = 64
_LETTERS = {Kind.VOICE: "v", Kind.VIDEO: "o", Kind.FAX: "f"}
"""Values of ``t=``.  The sheet knows none for a number message (section 13.5)."""


class Event(StrEnum):
    """Values of ``ev=``."""

    NEW_MESSAGE = "NM"
    MAILBOX_UPDATE = "MBU"
    GREETING_UPDATE = "GU"


class Sync(msgspec.Struct, frozen=True):
    """What happened.  A new message says all of itself; the other events need the count only.

    Raises ValueError for a NEW_MESSAGE with a field missing, for a kind without a letter, for a
    ``uid`` below 1 and for a ``received_at`` without a zone.
    """

    event: Event
    count: int
    """Messages in INBOX that were not played."""
    uid: int | None = None
    """The message's UID in INBOX."""
    kind: Kind | None = None
    sender: str | None = None
    """As the network gave it, whatever it holds; None when the caller's number is restricted."""
    received_at: datetime | None = None
    """Aware, as in the Date header."""
    seconds: int | None = None
    """As in Content-Duration."""

    def __post_init__(self) -> None:
        told = (self.uid, self.kind, self.received_at, self.seconds)
        if self.event is Event.NEW_MESSAGE and None in told:
            raise ValueError("SYNC of a new message needs uid, kind, received_at and seconds")
        if self.kind is not None and self.kind not in _LETTERS:
            raise ValueError(f"SYNC has no letter for the kind {self.kind.value}")
        if self.uid is not None and self.uid < 1:
            raise ValueError("a UID is 1 or more")
        if self.received_at is not None and self.received_at.tzinfo is None:
            raise ValueError("received_at must be aware")


def render_sync(sync: Sync, prefix: str) -> str:
    """The text of the SMS.  Nothing that a caller's number holds can add a field."""
    fields = {
        "ev": sync.event.value,
        "id": None if sync.uid is None else str(sync.uid),
        "c": str(min(sync.count, _MAX_COUNT)),
        "t": None if sync.kind is None else _LETTERS[sync.kind],
        "s": _dialled(sync.sender),
        "dt": None if sync.received_at is None else _date(sync.received_at),
        "l": None if sync.seconds is None else str(sync.seconds),
    }
    told = {key: value for key, value in fields.items() if value is not None}
    return render_system_sms(SystemSms(SYNC, told), prefix)


def _dialled(sender: str | None) -> str | None:
    """The same letters as in the From header of the message: AOSP never corrects what SYNC said."""
    return _NOT_DIALLED.sub("", sender or "")[:_MAX_SENDER] or None


def _date(moment: datetime) -> str:
    """``dd/MM/yyyy HH:mm ±hhmm``: AOSP's pattern, where a bad date shows as 1970."""
    return f"{moment:%d/%m}/{moment.year:04d} {moment:%H:%M %z}"
