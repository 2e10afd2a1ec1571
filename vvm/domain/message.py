# SPDX-License-Identifier: Apache-2.0
"""A deposited message, as every room names it."""

from __future__ import annotations

from datetime import datetime
from enum import IntFlag, StrEnum

import msgspec

INBOX = "INBOX"
GREETINGS = "Greetings"
"""The folder of what callers hear (OMTP 1.3 2.7)."""


class Kind(StrEnum):
    """OMTP 1.3 2.1.2, and what lies in Greetings.

    Only voice is deposited today; video, fax and number are names the interface knows.
    """

    VOICE = "voice"
    VIDEO = "video"
    FAX = "fax"
    NUMBER_ONLY = "number"
    NORMAL_GREETING = "normal-greeting"
    VOICE_SIGNATURE = "voice-signature"
    MAIL = "mail"
    """Any other message, as a mail client filed it."""


class Flags(IntFlag):
    """The flags of a message, one bit each, so that a store changes them in one statement.

    SEEN means that the message was played (OMTP 1.3 2.1.1).  GREETING_ON marks what callers hear:
    at most one message of a kind in a folder carries it.
    """

    SEEN = 1
    DELETED = 2
    ANSWERED = 4
    FLAGGED = 8
    DRAFT = 16
    GREETING_ON = 32

    @property
    def names(self) -> tuple[str, ...]:
        """One word a flag, for operators: ``("seen", "deleted")``."""
        return tuple(flag.name.lower() for flag in Flags if flag & self and flag.name)


class Envelope(msgspec.Struct, frozen=True):
    """What the capture knew of a call."""

    caller: str | None
    """The caller's number as the network gave it, E.164 where known; None when it was restricted."""
    received_at: datetime
    """Start of the recording, aware."""
