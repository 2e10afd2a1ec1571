# SPDX-License-Identifier: Apache-2.0
"""Read the msgNNNN.txt that app_voicemail writes beside each message (spec/asterisk.md section 3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from vvm.domain.errors import InvalidNumber
from vvm.domain.numbers import Msisdn, international, parse_msisdn

MAX_BYTES = 64 * 1024
_CALLER = re.compile(r'(?:"[^"]*"\s*)?<?([^<>"]*)>?\s*\Z')
_NOBODY = frozenset({"", "unknown", "anonymous", "asterisk"})


class Unreadable(ValueError):
    """Not a file that app_voicemail has finished."""


class MessageFile(msgspec.Struct, frozen=True):
    """What app_voicemail knows of a message."""

    msg_id: str
    """Unique on a node; stays the same when the file is renumbered or moved."""
    received_at: datetime
    """Start of the recording, aware."""
    caller: str | None
    extension: str
    """The dialplan's extension at VoiceMail()."""
    redirecting: str
    """``rdnis``: who forwarded the call to this node."""


def parse_message_file(octets: bytes) -> MessageFile:
    """Raises Unreadable."""
    fields: dict[str, str] = {}
    for line in octets.decode("utf-8", "replace").splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith(";"):
            fields[key.strip()] = value.strip()
    try:
        return MessageFile(
            msg_id=fields["msg_id"],
            received_at=datetime.fromtimestamp(int(fields["origtime"]), UTC),
            caller=_caller(fields.get("callerid", "")),
            extension=fields.get("exten", ""),
            redirecting=fields.get("rdnis", ""),
        )
    except (KeyError, ValueError, OverflowError) as error:
        raise Unreadable from error


def addressee(message: MessageFile, mailbox: str) -> Msisdn:
    """The subscriber that a message is for.  Raises InvalidNumber.

    The fallback of ``conf/asterisk`` calls VoiceMail() at an extension that is the subscriber's
    E.164 number, for one mailbox that all share.  Other dialplans may not: then the number that forwarded the
    call, when it is E.164 with its plus sign, and last the mailbox's own name.
    """
    for number in (message.extension, message.redirecting):
        try:
            return parse_msisdn(number)
        except InvalidNumber:
            continue
    return owner(mailbox)


def owner(mailbox: str) -> Msisdn:
    """The subscriber whose number is the mailbox's name, plus sign or not.  Raises InvalidNumber."""
    return international(mailbox)


def _caller(text: str) -> str | None:
    """The number of ``"Name" <number>`` or of a bare number."""
    found = _CALLER.match(text)
    number = found[1].strip() if found else ""
    return None if number.lower() in _NOBODY else number
