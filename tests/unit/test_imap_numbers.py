# SPDX-License-Identifier: Apache-2.0
"""Sets of numbers: read, cut against what exists, written."""

from __future__ import annotations

import pytest

from imap_server.wire import numbers


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (b"1", []),
        (b"41", [41]),
        (b"041", [41]),
        (b"*", [45]),
        (b"1:*", [41, 42, 45]),
        (b"*:1", [41, 42, 45]),
        (b"43:44", []),
        (b"99:*", [45]),
        (b"45,41,41:42", [41, 42, 45]),
        (b"1:4294967295", [41, 42, 45]),
    ],
)
def test_a_set_is_cut_against_the_numbers_that_exist(text: bytes, chosen: list[int]) -> None:
    assert numbers.read(text).select([41, 42, 45]) == chosen


def test_nothing_is_chosen_from_nothing() -> None:
    assert numbers.read(b"1:*").select([]) == []


def test_spans_ascend_and_do_not_touch() -> None:
    assert numbers.read(b"7:9,1:3,4,8:*").spans(12) == [(1, 4), (7, 12)]


@pytest.mark.parametrize("text", [b"", b"0", b"1:", b":1", b"a", b"4294967296", b"1;2", b"1,", b"-1"])
def test_what_is_no_set_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="number"):
        numbers.read(text)


def test_runs_are_written_as_ranges() -> None:
    assert numbers.write([1, 2, 3, 5, 8, 9]) == b"1:3,5,8:9"
