# SPDX-License-Identifier: Apache-2.0
"""A class of service: limits under one name, for as many subscribers as refer to it.

What a class leaves out (None), the subscriber's own value or the configuration says.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from vvm.domain.errors import Refusal
from vvm.domain.subscriber import CosName, Fallback

NAME_RULE = "1 to 40 small letters, digits, _ or -, the first of them a letter or digit"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")
_MOST = 2**31 - 1


class InvalidCos(Refusal):
    """A name or a limit that no class of service can have; the text says what would be right."""

    code = "invalid_cos"


class UnknownCos(Refusal):
    """A subscriber cannot refer to a class that is not there."""

    code = "unknown_cos"

    def __init__(self) -> None:
        super().__init__("no such class of service")


class NoSuchCos(Refusal):
    code = "no_such_cos"

    def __init__(self) -> None:
        super().__init__("no such class of service")


class CosInUse(Refusal):
    code = "cos_in_use"

    def __init__(self) -> None:
        super().__init__("subscribers refer to this class of service")


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a class of service says.  Changing it changes the service of everybody who refers to it."""

    max_messages: int | None = None
    """How many messages INBOX and the folders beside it hold."""
    max_seconds: int | None = None
    """How many seconds of messages they hold together."""
    max_octets: int | None = None
    """How many octets they hold together, as IMAP counts them."""
    max_message_seconds: int | None = None
    """The longest message; a longer recording is refused."""
    greeting_seconds: int | None = None
    """The longest greeting."""
    warn_percent: int | None = None
    """How full the mailbox is, of whichever limit is the nearest, when the subscriber is warned by SMS."""
    message_days: int | None = None
    """How old a message gets before it expires."""
    heard_days: int | None = None
    """The same of a message that was heard."""
    expiry_notice_days: int | None = None
    """How many days before the end of ``message_days`` the subscriber is told by SMS."""
    deleted_days: int | None = None
    """For how many days a deleted message can be restored; what is deleted is lost at once without."""
    fallback: Fallback | None = None
    """What goes out in place of SYNC while no client is active."""
    pin_min_digits: int | None = None
    pin_max_digits: int | None = None


class Cos(msgspec.Struct, frozen=True):
    name: CosName
    limits: Limits
    changed_at: datetime


def parse_cos_name(text: str) -> CosName:
    """Raises InvalidCos."""
    if not _NAME.match(text):
        raise InvalidCos(f"the name of a class of service has {NAME_RULE}")
    return CosName(text)


def check_limits(limits: Limits) -> None:
    """Raises InvalidCos, which names the limit."""
    for name, value in msgspec.structs.asdict(limits).items():
        if isinstance(value, int) and not 1 <= value <= _MOST:
            raise InvalidCos(f"{name} must lie between 1 and {_MOST}")
    for name in _DAYS:
        days = getattr(limits, name)
        if days is not None and days > MOST_DAYS:
            raise InvalidCos(f"{name} must lie between 1 and {MOST_DAYS}")
    if limits.warn_percent is not None and limits.warn_percent > _WHOLE:
        raise InvalidCos("warn_percent must lie between 1 and 100")
    if limits.expiry_notice_days is not None and limits.expiry_notice_days >= (limits.message_days or 0):
        raise InvalidCos("expiry_notice_days must be less than message_days")
    least, most = limits.pin_min_digits or 1, limits.pin_max_digits or _LONGEST_PIN
    if not least <= most <= _LONGEST_PIN:
        raise InvalidCos(f"pin_min_digits must not pass pin_max_digits, nor that {_LONGEST_PIN}")


_WHOLE = 100
_DAYS = ("message_days", "heard_days", "expiry_notice_days", "deleted_days")
MOST_DAYS = 36_500
"""A hundred years: moments that any store and any client can write."""
_LONGEST_PIN = 30
"""OMTP 1.3 2.9.1 gives a PIN no more than any other field of a text."""


class Usage(msgspec.Struct, frozen=True):
    """What INBOX and the folders beside it hold."""

    messages: int
    seconds: int
    octets: int


def crossed(limits: Limits, *, max_messages: int, before: Usage, after: Usage) -> bool:
    """Whether a mailbox came to ``warn_percent`` of the nearest of its limits by what was added.

    ``max_messages`` is the subscriber's own, which holds where the class says nothing.
    """
    if limits.warn_percent is None:
        return False
    most = Usage(limits.max_messages or max_messages, limits.max_seconds or 0, limits.max_octets or 0)
    return not _reached(limits.warn_percent, before, most) and _reached(limits.warn_percent, after, most)


def _reached(percent: int, used: Usage, most: Usage) -> bool:
    pairs = zip(msgspec.structs.astuple(used), msgspec.structs.astuple(most), strict=True)
    return any(limit and _WHOLE * held >= percent * limit for held, limit in pairs)
