# SPDX-License-Identifier: Apache-2.0
"""A sender's name: the same for its next life, and never that of another who lives."""

from __future__ import annotations

from pathlib import Path

from vvm.runtime.holder import held_name


def test_who_comes_after_has_the_name_of_the_one_before(tmp_path: Path) -> None:
    with held_name(tmp_path) as first:
        pass
    with held_name(tmp_path) as second:
        assert (second, bool(first)) == (first, True)


def test_two_that_live_have_two_names(tmp_path: Path) -> None:
    with held_name(tmp_path) as first, held_name(tmp_path) as second:
        assert first != second
    with held_name(tmp_path) as again:
        assert again == first


def test_names_of_two_directories_are_different(tmp_path: Path) -> None:
    with held_name(tmp_path / "a") as first, held_name(tmp_path / "b") as second:
        assert first != second
