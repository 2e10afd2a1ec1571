# SPDX-License-Identifier: Apache-2.0
"""``vvm store check`` as an operator runs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.command_line import CommandLine, command_line


@pytest.fixture
def vvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    with command_line(tmp_path, monkeypatch, capsys) as made:
        assert made("subscriber", "add", "+33612345678").code == 0
        yield made


def hurt(vvm: CommandLine, statement: str) -> None:
    with closing(sqlite3.connect(vvm.directory / "var" / "vvm.db")) as database:
        database.execute(statement)
        database.commit()


def test_a_sound_store_is_told_so(vvm: CommandLine) -> None:
    ran = vvm("store", "check")
    assert (ran.code, ran.out) == (0, "nothing is wrong\n")
    assert vvm("store", "check", "--json").rows == []


def test_a_damage_is_told_with_its_place_and_what_to_do(vvm: CommandLine) -> None:
    hurt(vvm, "UPDATE folder SET unseen = 3 WHERE name = 'INBOX'")
    ran = vvm("store", "check")
    assert ran.code == 1
    assert 'mailbox 1, folder "INBOX": 0 messages, 0 unseen, 0 octets, and 0, 3, 0 are noted' in ran.out
    assert "damage is in the store, of 1 kinds" in ran.err
    (finding,) = vvm("store", "check", "--json").rows
    assert (finding["damage"], finding["count"], finding["repaired"]) == ("folder_counters", 1, False)


def test_a_repair_leaves_nothing_and_says_what_it_did(vvm: CommandLine) -> None:
    hurt(vvm, "UPDATE folder SET unseen = 3 WHERE name = 'INBOX'")
    ran = vvm("store", "check", "--repair")
    assert (ran.code, "repaired: the messages are counted" in ran.out) == (0, True)
    assert vvm("store", "check").code == 0


def test_what_only_a_person_can_decide_stays_and_fails(vvm: CommandLine) -> None:
    hurt(vvm, "DELETE FROM folder WHERE name = 'Greetings'")
    ran = vvm("store", "check", "--repair")
    assert (ran.code, "to do: restore it from a backup" in ran.out) == (1, True)
    assert "mailbox 1: no Greetings" in ran.out


def test_a_store_is_copied_sealed_and_reopened(vvm: CommandLine) -> None:
    source, target = (f"sqlite:///{vvm.directory}/var/{name}.db" for name in ("vvm", "other"))
    copied = vvm("store", "copy", source, target, "--json").document
    # One pass copies, one follows the comparison of all octets, and in the last two nobody writes.
    assert (copied["mailboxes"], copied["differences"]) == (1, [8, 0, 0, 0])
    refused = vvm("subscriber", "list")
    assert (refused.code, f"this store was moved to {target}" in refused.err) == (2, True)
    again = vvm("store", "copy", source, target)
    assert (again.code, "already" in again.err) == (1, True)
    assert vvm("store", "reopen", source).code == 0
    assert vvm("subscriber", "list").code == 0


def test_a_copy_needs_a_store_to_copy(vvm: CommandLine) -> None:
    nowhere = f"sqlite:///{vvm.directory}/nowhere.db"
    refused = vvm("store", "copy", nowhere, f"sqlite:///{vvm.directory}/other.db")
    assert (refused.code, "there is no store at" in refused.err) == (1, True)


def test_a_store_that_is_not_there_is_not_reopened_and_not_made(vvm: CommandLine) -> None:
    nowhere = vvm.directory / "nowhere.db"
    refused = vvm("store", "reopen", f"sqlite:///{nowhere}")
    assert (refused.code, "there is no store at" in refused.err) == (1, True)
    assert not nowhere.exists()


def test_who_makes_a_store_is_told_so_once_and_where(vvm: CommandLine) -> None:
    """A lost store, or a name with a slip of the pen, would else look like one without subscribers."""
    there = vvm.directory / "var" / "vvm.db"
    assert "store_made" not in vvm("subscriber", "list").err
    for file in there.parent.glob("vvm.db*"):
        file.unlink()
    told = vvm("subscriber", "list").err
    assert "store_made" in told
    assert str(there) in told
    assert "store_made" not in vvm("subscriber", "list").err
