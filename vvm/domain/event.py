# SPDX-License-Identifier: Apache-2.0
"""What an operator's systems hear of: committed facts, in the order of their commits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from vvm.domain.errors import UnknownEventKind
from vvm.domain.numbers import Msisdn


class EventKind(StrEnum):
    """Stable names: they stand in the feed, in webhooks and in filters."""

    MESSAGE_DEPOSITED = "message.deposited"
    MESSAGE_FLAGS = "message.flags"
    """Played, deleted, restored: ``flags`` are those it has now."""
    MESSAGE_EXPUNGED = "message.expunged"
    SUBSCRIBER_CREATED = "subscriber.created"
    SUBSCRIBER_CHANGED = "subscriber.changed"
    """A transition that the audit knows; ``trigger`` is its cause."""
    SUBSCRIBER_REMOVED = "subscriber.removed"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_DELIVERED = "notification.delivered"
    NOTIFICATION_FAILED = "notification.failed"
    NOTIFICATION_EXPIRED = "notification.expired"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact.  Fields that do not belong to its kind are left out on the wire."""

    cursor: str
    """Where it stands in the feed: whoever resumes behind it misses nothing.  Unique for ever."""
    at: datetime
    """When the store wrote it."""
    msisdn: Msisdn
    kind: EventKind
    folder: str = ""
    uid: int = 0
    message_kind: str = ""
    caller: str = ""
    """Of a deposit, as the network gave it; left out when it was restricted."""
    seconds: int = 0
    flags: tuple[str, ...] = ()
    trigger: str = ""
    before: str = ""
    """Provisioning status before a transition, as ``after``."""
    after: str = ""
    cause: str = ""
    """Of a notification (vvm.domain.notification.Cause)."""


def parse_kinds(names: Iterable[str]) -> tuple[EventKind, ...]:
    """Raises UnknownEventKind."""
    try:
        return tuple(dict.fromkeys(map(EventKind, names)))
    except ValueError:
        raise UnknownEventKind(known=", ".join(EventKind)) from None
