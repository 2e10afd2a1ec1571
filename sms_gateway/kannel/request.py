# SPDX-License-Identifier: Apache-2.0
"""What a segment is in the query of Kannel's ``sendsms``, and what its answer means.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum, auto
from urllib.parse import quote_from_bytes

from sms_gateway.port import Coding, OutboundSms, WaitingForm, WaitingKind
from sms_gateway.text import udh
from sms_gateway.text.segments import Segment

_CODINGS = {Coding.GSM7: b"0", Coding.OCTETS: b"1", Coding.UCS2: b"2"}
_CLEAR = 4
"""What ``mwi`` adds to the kind to put the lamp out."""
_ACCEPTED = {200, 202}
_UNAUTHORISED = {401, 403}
_LATER = {408, 425, 429}
_THROTTLED = 429
_CLIENT_ERRORS = range(400, 500)


class Verdict(Enum):
    """What an HTTP status of the smsbox means for a segment."""

    TAKEN = auto()
    LOCKED_OUT = auto()
    """The password is wrong: an operator must act."""
    REFUSED = auto()
    SLOW_DOWN = auto()
    LATER = auto()


def parameters(
    sms: OutboundSms, segment: Segment, coding: Coding, *, report_url: str, dlr_mask: int
) -> dict[str, bytes]:
    """Names and octets, without the account.

    GSM 7-bit text goes as UTF-8, which is what Kannel takes for ``coding`` 0.
    """
    found = {
        "from": sms.source.encode(),
        "to": sms.recipient.encode(),
        "coding": _CODINGS[coding],
        "text": segment.text(coding).encode() if coding is Coding.GSM7 else segment.octets,
    }
    if segment.has_header:
        found["udh"] = udh.encode(segment.header)
    if sms.waiting is not None and sms.waiting.form is not WaitingForm.HEADER:
        kind = list(WaitingKind).index(sms.waiting.kind)
        found["mwi"] = str(kind if sms.waiting.count else kind + _CLEAR).encode()
    minutes = sms.validity // timedelta(minutes=1)
    if minutes:
        found["validity"] = str(minutes).encode()
    if dlr_mask:
        found |= {"dlr-mask": str(dlr_mask).encode(), "dlr-url": report_url.encode()}
    return found


def query(values: Mapping[str, bytes]) -> str:
    """Every octet as it is: aiohttp's own encoder knows only text."""
    return "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in values.items())


def verdict(status: int) -> Verdict:
    """Statuses of the smsbox: 202 taken or queued, 403 bad login, 503 full; else as HTTP has them."""
    if status in _ACCEPTED:
        return Verdict.TAKEN
    if status in _UNAUTHORISED:
        return Verdict.LOCKED_OUT
    if status == _THROTTLED:
        return Verdict.SLOW_DOWN
    return Verdict.REFUSED if status in _CLIENT_ERRORS and status not in _LATER else Verdict.LATER
