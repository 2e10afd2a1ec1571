# SPDX-License-Identifier: Apache-2.0
"""ENVELOPE as IMAP answers it (RFC 3501 section 7.4.2), made once when a message is composed."""

from __future__ import annotations

import msgspec

from vvm.message.syntax import NIL, nstring, string


class Address(msgspec.Struct, frozen=True):
    """One mailbox address, without a display name."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def render_envelope(*, date: str, sender: Address, recipient: Address, message_id: str) -> bytes:
    """The envelope of a message with one sender, one recipient and no subject.

    ``date`` and ``message_id`` are the text of their header fields.  Sender and Reply-To are absent
    in our messages, and then the standard wants From in their place.
    """
    from_ = _addresses(sender)
    fields = [nstring(date), NIL, from_, from_, from_, _addresses(recipient), NIL, NIL, NIL]
    return b"(%b %b)" % (b" ".join(fields), nstring(message_id))


def _addresses(address: Address) -> bytes:
    return b"((NIL NIL %b %b))" % (string(address.local), string(address.domain))
