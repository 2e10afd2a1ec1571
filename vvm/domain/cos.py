# SPDX-License-Identifier: Apache-2.0
"""A class of service: limits under one name, for as many subscribers as refer to it.

What a class leaves out (None), the subscriber's own value or the configuration says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
import msgspec.inspect

from vvm.domain.errors import Refusal
from vvm.domain.pin import LONGEST_PIN
from vvm.domain.subscriber import CosName, Fallback

NAME_RULE = "1 to 40 small letters, digits, _ or -, the first of them a letter or digit"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")
MOST_DAYS = 36_500
"""A hundred years: moments that any store and any client can write."""
_WHOLE = 100
_Count = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Days = Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]
_Percent = Annotated[int, msgspec.Meta(ge=1, le=_WHOLE)]
_Digits = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_PIN)]


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

    max_messages: _Count | None = None
    """How many messages INBOX and the folders beside it hold."""
    max_seconds: _Count | None = None
    """How many seconds of messages they hold together."""
    max_octets: _Count | None = None
    """How many octets they hold together, as IMAP counts them."""
    max_message_seconds: _Count | None = None
    """The longest message; a longer recording is refused."""
    greeting_seconds: _Count | None = None
    """The longest greeting."""
    warn_percent: _Percent | None = None
    """How full the mailbox is, of whichever limit is the nearest, when the subscriber is warned by SMS."""
    message_days: _Days | None = None
    """How old a message gets before it expires."""
    heard_days: _Days | None = None
    """The same of a message that was heard."""
    expiry_notice_days: _Days | None = None
    """How many days before the end of ``message_days`` the subscriber is told by SMS."""
    deleted_days: _Days | None = None
    """For how many days a deleted message can be restored; what is deleted is lost at once without."""
    fallback: Fallback | None = None
    """What goes out in place of SYNC while no client is active."""
    pin_min_digits: _Digits | None = None
    pin_max_digits: _Digits | None = None


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
    for name, (least, most) in _BOUNDS.items():
        value = getattr(limits, name)
        if value is not None and not least <= value <= most:
            raise InvalidCos(f"{name} must lie between {least} and {most}")
    if limits.expiry_notice_days is not None and limits.expiry_notice_days >= (limits.message_days or 0):
        raise InvalidCos("expiry_notice_days must be less than message_days")
    if (limits.pin_min_digits or 1) > (limits.pin_max_digits or LONGEST_PIN):
        raise InvalidCos("pin_min_digits must not pass pin_max_digits")


def _bounds() -> Iterator[tuple[str, tuple[int, int]]]:
    """What the types say: a front that decodes JSON has refused such a limit before."""
    info = msgspec.inspect.type_info(Limits)
    for field in info.fields if isinstance(info, msgspec.inspect.StructType) else ():
        for kind in field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else ():
            if isinstance(kind, msgspec.inspect.IntType) and kind.ge is not None and kind.le is not None:
                yield field.name, (kind.ge, kind.le)


_BOUNDS = dict(_bounds())


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
