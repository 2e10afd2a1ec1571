# SPDX-License-Identifier: Apache-2.0
"""What Asterisk's voicemail writes into the header of a mail that it stores by IMAP (sheet 5.2)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from vvm.message.reader import ReadMessage

_NOBODY = frozenset({"", "unknown", "anonymous", "asterisk", "(null)"})
_LONGEST_TIME = 10


class PbxHeader(msgspec.Struct, frozen=True):
    """The fields that mean something here."""

    caller: str | None
    received_at: datetime | None
    """Start of the recording, aware; None when the header does not say."""
    type: str
    """Lower case: ``message``, or the name of a greeting (``unavail``, ``busy``, ``temp``, ``greet``)."""


def pbx_header(message: ReadMessage) -> PbxHeader:
    """Any message has one; what it does not say is empty."""
    caller = (message.field("X-Asterisk-VM-Caller-ID-Num") or "").strip()
    return PbxHeader(
        caller=None if caller.lower() in _NOBODY else caller,
        received_at=_moment(message.field("X-Asterisk-VM-Orig-time") or ""),
        type=(message.field("X-Asterisk-VM-Message-Type") or "").strip().lower(),
    )


def _moment(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit()) or len(text) > _LONGEST_TIME:
        return None
    return datetime.fromtimestamp(int(text), UTC)
