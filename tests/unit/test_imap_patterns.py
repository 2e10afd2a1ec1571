# SPDX-License-Identifier: Apache-2.0
"""Patterns of LIST."""

from __future__ import annotations

import pytest

from imap_server.patterns import fits


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "INBOX", True),
        ("inbox", "INBOX", True),
        ("INBOX*", "INBOX", True),
        ("%", "Archive/2026", False),
        ("*", "Archive/2026", True),
        ("Archive/%", "Archive/2026", True),
        ("A%/2*6", "Archive/2026", True),
        ("archive/*", "Archive/2026", False),
        ("Greetings", "Greetings", True),
        ("Greet", "Greetings", False),
        ("", "Greetings", False),
    ],
)
def test_a_pattern_fits(pattern: str, name: str, *, expected: bool) -> None:
    assert fits(pattern, name) is expected


def test_many_wildcards_cost_no_more_than_pattern_times_name() -> None:
    assert not fits("*a" * 3000 + "b", "a" * 200)
