# SPDX-License-Identifier: Apache-2.0
"""The order that SORT gives to messages (RFC 5256): keys of comparison, computed once for a message.

Text compares without case after RFC 2047 words were decoded; messages that are equal in every key
keep the order of the mailbox.
"""

from __future__ import annotations

import enum
import re
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from imap_server import searchable
from imap_server.backend import MessageRecord


class Property(enum.Enum):
    """What two messages are compared by (section 3)."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    FROM = b"FROM"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"


class Criterion(msgspec.Struct, frozen=True):
    """One property, from the smallest on or from the largest."""

    by: Property
    reverse: bool = False


Rank: TypeAlias = "tuple[int | str | datetime, ...]"


def rank(record: MessageRecord, criteria: tuple[Criterion, ...]) -> Rank:
    """The value of each criterion for one message; ``ordered`` compares them."""
    return tuple(_value(record, criterion.by) for criterion in criteria)


def ordered(ranks: list[tuple[int, Rank]], criteria: tuple[Criterion, ...]) -> list[int]:
    """UIDs in order, from pairs of a UID and its rank that ascend by UID.

    Sorting is stable, so the last criterion sorts first and the first has the last word; a reversed
    one leaves equal messages in the order of the mailbox too.
    """
    pairs = list(ranks)
    for place in reversed(range(len(criteria))):
        pairs.sort(key=lambda pair: pair[1][place], reverse=criteria[place].reverse)
    return [uid for uid, _ in pairs]


@lru_cache(maxsize=1024)
def base_subject(subject: str) -> str:
    """A subject without what replies and forwards put around it (section 2.1), folded in case."""
    text = _SPACES.sub(" ", subject[:_LONGEST]).strip()
    while True:
        before = text
        text = _TRAILER.sub("", text)
        text = _LEADER.sub("", text)
        bare = _BLOB.sub("", text)
        text = bare or text
        if text == before:
            wrapped = _FORWARD.fullmatch(text)
            if wrapped is None:
                return text.casefold()
            text = wrapped[1].strip()


_LONGEST = 1000
"""Of a subject: what is peeled off one by one must not be without number."""
_SPACES = re.compile(r"\s+")
_TRAILER = re.compile(r"(?:\(fwd\)|\s)+\Z", re.IGNORECASE)
_BLOB = re.compile(r"\A\[[^\[\]]*\]\s*")
_LEADER = re.compile(r"\A\s*(?:\[[^\[\]]*\]\s*){0,20}(?:re|fwd?)\s*(?:\[[^\[\]]*\]\s*)?:\s*", re.IGNORECASE)
_FORWARD = re.compile(r"\[fwd:(.*)\]", re.IGNORECASE)


def _value(record: MessageRecord, by: Property) -> int | str | datetime:
    match by:
        case Property.ARRIVAL:
            return record.internal_date
        case Property.SIZE:
            return record.size
        case Property.DATE:
            return _sent(record)
        case Property.SUBJECT:
            return base_subject(searchable.first_value(record.header, "subject"))
        case Property.FROM | Property.TO | Property.CC:
            return _mailbox(searchable.first_value(record.header, by.value.decode().lower()))


def _sent(record: MessageRecord) -> datetime:
    """The Date field in UTC; INTERNALDATE where it cannot be read (section 2.2)."""
    try:
        sent = parsedate_to_datetime(searchable.first_value(record.header, "date"))
    except (ValueError, OverflowError):
        return record.internal_date
    return sent if sent.tzinfo is not None else sent.replace(tzinfo=UTC)


def _mailbox(addresses: str) -> str:
    """The local part of the first address."""
    for _, address in getaddresses([addresses]):
        return address.rpartition("@")[0].casefold() or address.casefold()
    return ""
