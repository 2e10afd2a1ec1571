# SPDX-License-Identifier: Apache-2.0
"""SORT and SEARCH over headers that nobody checked: every message has its place, whatever it says."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from imap_server import searchable, sort
from imap_server.sort import Criterion, Property
from tests.dialogues import mail

RECORD = mail.record(1, b"Subject: x\r\n\r\n", frozenset(), 1, datetime(2026, 3, 7, tzinfo=UTC))
VALUES = st.text(max_size=40) | st.sampled_from(
    [
        "Sat, 07 Mar 99999999999999 10:00:00 +0000",
        "Sat, 07 Mar 2026 10:00:00 -0000",
        "Sat, 07 Mar 2026 10:00:00 +9999",
        '"a b" <c@d>, e@f',
        "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "=?nonsense?b?!!?=",
        "(((",
        "<@,@:@>",
        "re: re[: [fwd: fwd: [x] y] (fwd)",
    ]
)
CRITERIA = st.lists(st.builds(Criterion, st.sampled_from(Property), st.booleans()), min_size=1, max_size=3)


@given(st.lists(st.tuples(st.sampled_from(["Date", "From", "To", "Cc", "Subject"]), VALUES)), CRITERIA)
def test_every_header_has_a_rank_and_ranks_compare(
    fields: list[tuple[str, str]], criteria: list[Criterion]
) -> None:
    lines = [f"{name}: {' '.join(value.split())}\r\n" for name, value in fields]
    header = "".join([*lines, "\r\n"]).encode("utf-8", "surrogatepass")
    ranks = [
        (uid, sort.rank(msgspec.structs.replace(RECORD, uid=uid, header=each), tuple(criteria)))
        for uid, each in enumerate((header, RECORD.header, b"\r\n"), 1)
    ]
    assert sorted(sort.ordered(ranks, tuple(criteria))) == [1, 2, 3]
    assert searchable.sent_day(header) is None or "Date" in dict(fields)


@given(st.text(max_size=60))
def test_a_base_subject_is_its_own_base(subject: str) -> None:
    base = sort.base_subject(subject)
    assert sort.base_subject(base) == base
