# SPDX-License-Identifier: Apache-2.0
"""From a filter to the parts of its statement, for every adapter that has rows.

The parts stand in ``queries/lists.sql`` of each engine, by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from vvm.domain.message import Flags
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId
from vvm.store.lists import AuditFilter, AuditPlace, MessageFilter, SubscriberFilter, SubscriberPlace
from vvm.store.rows import microseconds

_BEYOND_DIGITS = ":"
"""Follows 9 in ASCII: what begins with a prefix comes before the prefix with this behind it."""


class Listing(msgspec.Struct, frozen=True):
    """A list as a statement: the names of its parts, and the values that they take."""

    head: str
    looked_up: tuple[str, ...]
    """Of the columns of the index that brings the order: an equality, and where to begin and to end."""
    compared: tuple[str, ...]
    """What else has to hold."""
    order: str
    values: Mapping[str, object]


def of_subscribers(wanted: SubscriberFilter, after: SubscriberPlace | None, limit: int) -> Listing:
    compared = _said(
        cos=wanted.cos or None, client_type=wanted.client_type, language=wanted.language, status=wanted.status
    )
    values: dict[str, object] = {"limit": limit, "prefix": wanted.prefix} | compared
    names = ("no_cos",) * (wanted.cos == "") + tuple(compared)
    bounds: list[str] = []
    if wanted.prefix:
        values["beyond"] = wanted.prefix + _BEYOND_DIGITS
    if wanted.changed_since is not None:
        if after is None or after.changed_at < wanted.changed_since:
            bounds.append("changed_since")
            values["since"] = microseconds(wanted.changed_since)
        else:
            bounds.append("changed_after")
            values |= {"at": microseconds(after.changed_at), "after": after.msisdn}
        names += ("with_prefix",) * bool(wanted.prefix)
        return Listing("subscribers", tuple(bounds), names, "by_change", values)
    if after is not None and after.msisdn >= wanted.prefix:
        bounds.append("number_after")
        values["after"] = after.msisdn
    elif wanted.prefix:
        bounds.append("number_from")
    if wanted.prefix:
        bounds.append("number_before")
    return Listing("subscribers", (*names[:1], *bounds), names[1:], "by_number", values)


def of_audit(wanted: AuditFilter, after: AuditPlace | None, limit: int) -> Listing:
    compared = _said(msisdn=wanted.msisdn, actor=wanted.actor, trigger=wanted.trigger)
    values: dict[str, object] = {"limit": limit} | compared
    bounds: list[str] = []
    if wanted.until is not None and (after is None or after.at >= wanted.until):
        bounds.append("before")
        values["until"] = microseconds(wanted.until)
    elif after is not None:
        bounds.append("older_than")
        values |= {"at": microseconds(after.at), "id": after.id}
    if wanted.since is not None:
        bounds.append("since")
        values["since"] = microseconds(wanted.since)
    names = tuple(compared)
    return Listing("audit", (*names[:1], *bounds), names[1:], "newest_first", values)


def of_messages(mailbox: MailboxId, wanted: MessageFilter, after: int, limit: int) -> Listing:
    values: dict[str, object] = {
        "mailbox": mailbox,
        "folder": wanted.folder,
        "after": after,
        "limit": limit,
        "seen": int(Flags.SEEN),
    }
    compared: list[str] = []
    if wanted.seen is not None:
        compared.append("is_seen" if wanted.seen else "is_new")
    if wanted.caller is not None:
        compared.append("from_caller" if wanted.caller else "from_restricted")
        values["caller"] = wanted.caller
    if wanted.since is not None:
        compared.append("received_since")
        values["since"] = microseconds(wanted.since)
    return Listing("messages", ("uid_after",), tuple(compared), "by_uid", values)


def of_dead_letters(
    *, after: int, limit: int, recipient: Msisdn | None, cause: Cause | None, since: datetime | None
) -> dict[str, object]:
    """The values of ``dead_letters`` in ``queries/outbox.sql``."""
    return {
        "after": after,
        "limit": limit,
        "recipient": recipient,
        "cause": None if cause is None else cause.value,
        "since": None if since is None else microseconds(since),
    }


def _said(**fields: str | None) -> dict[str, object]:
    """Those that are asked for; of the first the fewest rows are expected."""
    return {name: str(value) for name, value in fields.items() if value is not None}
