# SPDX-License-Identifier: Apache-2.0
"""SORT: each property, its reverse, ties, and the subject without what replies put around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from imap_server import sort
from imap_server.backend import MessageRecord
from imap_server.sort import Criterion, Property
from tests.dialogues import mail

MOMENT = datetime(2026, 3, 7, 18, 17, tzinfo=UTC)


def record(uid: int, header: str, *, days: int = 0) -> MessageRecord:
    octets = header.replace("\n", "\r\n").encode() + b"\r\n\r\n" + b"x" * uid
    return mail.record(uid, octets, frozenset(), uid, MOMENT + timedelta(days=days))


RECORDS = [
    record(1, "From: Zoe <zoe@x>\nTo: bob@x\nSubject: Re: b\nDate: Sat, 07 Mar 2026 10:00:00 +0000", days=3),
    record(
        2, "From: +33612345678@vvm\nCc: a@x, z@x\nSubject: A\nDate: Sat, 07 Mar 2026 10:30:00 +0100", days=1
    ),
    record(3, "From: ANNA@x\nSubject: [list] fwd: B (fwd)\nDate: nonsense", days=2),
]


def order(*criteria: Criterion) -> list[int]:
    return sort.ordered([(each.uid, sort.rank(each, criteria)) for each in RECORDS], criteria)


@pytest.mark.parametrize(
    ("by", "uids"),
    [
        (Property.ARRIVAL, [2, 3, 1]),
        (Property.DATE, [2, 1, 3]),
        (Property.FROM, [2, 3, 1]),
        (Property.TO, [2, 3, 1]),
        (Property.CC, [1, 3, 2]),
        (Property.SUBJECT, [2, 1, 3]),
    ],
)
def test_each_property_has_its_order(by: Property, uids: list[int]) -> None:
    assert order(Criterion(by)) == uids


def test_equal_messages_stay_in_the_order_of_the_mailbox_in_reverse_too() -> None:
    assert order(Criterion(Property.SUBJECT, reverse=True)) == [1, 3, 2]


def test_the_first_criterion_has_the_last_word() -> None:
    assert order(Criterion(Property.SUBJECT, reverse=True), Criterion(Property.ARRIVAL)) == [3, 1, 2]


def test_the_size_is_that_of_the_whole_message() -> None:
    sizes = {each.uid: each.size for each in RECORDS}
    assert order(Criterion(Property.SIZE)) == sorted(sizes, key=lambda uid: sizes[uid])


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Hello", "hello"),
        ("RE: Fw: fwd: Hello", "hello"),
        ("Re[2]: Hello", "hello"),
        ("[list] [other] re: Hello (fwd) (FWD)", "hello"),
        ("[Fwd: Re: Hello]", "hello"),
        ("[only]", "[only]"),
        ("Re:", ""),
        ("  Two \t words ", "two words"),
        ("Regarding: this", "regarding: this"),
    ],
)
def test_the_base_subject(subject: str, base: str) -> None:
    assert sort.base_subject(subject) == base
