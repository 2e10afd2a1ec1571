# SPDX-License-Identifier: Apache-2.0
"""The radio side of the simulated SMSC: submits become the SMS that a handset would show."""

from __future__ import annotations

import msgspec

from sms_gateway import user_data
from sms_gateway.inbound import number
from sms_gateway.port import Coding
from sms_gateway.smpp.pdu import Sm
from sms_gateway.text import coding
from sms_gateway.text.udh import Header, Indication


class Submitted(msgspec.Struct, frozen=True):
    """One submit_sm that the simulated SMSC took."""

    message_id: str
    sm: Sm
    header: Header
    octets: bytes
    """User data without its header."""

    @property
    def text(self) -> str | None:
        """What a handset reads in this segment alone."""
        return coding.text(self.octets, self.sm.data_coding)


class HandsetSms(msgspec.Struct, frozen=True):
    """A whole SMS as it arrives at a handset."""

    recipient: str
    originator: str
    port: int | None
    coding: Coding
    text: str | None
    segments: tuple[Submitted, ...]
    indication: Indication | None = None
    """What it says about messages that wait, beside its data coding."""


class Radio:
    """Joins segments for the handsets."""

    def __init__(self) -> None:
        self._segments: dict[tuple[object, ...], dict[int, Submitted]] = {}

    def arrive(self, submitted: Submitted) -> HandsetSms | None:
        """None while segments are missing."""
        part = submitted.header.concatenation
        sm = submitted.sm
        if part is None:
            return _sms((submitted,))
        key = (sm.source, sm.destination, part.reference, part.total)
        segments = self._segments.setdefault(key, {})
        segments[part.number] = submitted
        if len(segments) < part.total:
            return None
        del self._segments[key]
        return _sms(tuple(segments[number] for number in sorted(segments)))


def read(sm: Sm, message_id: str) -> Submitted:
    """Raises BadHeader."""
    header, octets = user_data.read(sm)
    return Submitted(message_id, sm, header, octets)


def _sms(segments: tuple[Submitted, ...]) -> HandsetSms:
    first = segments[0]
    octets = b"".join(segment.octets for segment in segments)
    return HandsetSms(
        recipient=number(first.sm.destination),
        originator=number(first.sm.source),
        port=first.header.ports.destination if first.header.ports else None,
        coding=coding.of(first.sm.data_coding),
        text=coding.text(octets, first.sm.data_coding),
        segments=segments,
        indication=first.header.indication,
    )
