# SPDX-License-Identifier: Apache-2.0
"""ENVELOPE as IMAP answers it (RFC 3501 section 7.4.2), made once when a message is stored."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vvm.message.syntax import NIL, nstring, string


class Address(msgspec.Struct, frozen=True):
    """One mailbox address."""

    local: str
    domain: str
    name: str | None = None

    def __str__(self) -> str:
        """Without the name, as our own headers have it."""
        return f"{self.local}@{self.domain}"


class MessageEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a header that ENVELOPE tells, as they stand there; None for one that is missing."""

    date: str | None = None
    subject: str | None = None
    sender: Sequence[Address] = ()
    reply_to: Sequence[Address] = ()
    from_: Sequence[Address] = ()
    to: Sequence[Address] = ()
    cc: Sequence[Address] = ()
    bcc: Sequence[Address] = ()
    in_reply_to: str | None = None
    message_id: str | None = None


def render_envelope(envelope: MessageEnvelope) -> bytes:
    """Where Sender or Reply-To is absent, the standard wants From in its place."""
    from_ = envelope.from_
    fields = [
        nstring(envelope.date),
        nstring(envelope.subject),
        _addresses(from_),
        _addresses(envelope.sender or from_),
        _addresses(envelope.reply_to or from_),
        _addresses(envelope.to),
        _addresses(envelope.cc),
        _addresses(envelope.bcc),
        nstring(envelope.in_reply_to),
        nstring(envelope.message_id),
    ]
    return b"(%b)" % b" ".join(fields)


def _addresses(addresses: Sequence[Address]) -> bytes:
    if not addresses:
        return NIL
    return b"(%b)" % b"".join(
        b"(%b NIL %b %b)" % (nstring(one.name), string(one.local), string(one.domain)) for one in addresses
    )
