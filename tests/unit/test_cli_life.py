# SPDX-License-Identifier: Apache-2.0
"""What an operator does with the life of a subscriber and its messages, by command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.command_line import CommandLine, command_line
from tests.unit.services_world import ALICE, TWO_SECONDS
from vvm.cli.main import Exit


@pytest.fixture
def vvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    (tmp_path / "hello.wav").write_bytes(TWO_SECONDS)
    with command_line(tmp_path, monkeypatch, capsys) as running:
        assert running("cos", "put", "gold", "--deleted-days", "7").code == Exit.OK
        assert running("subscriber", "add", ALICE, "--cos", "gold").code == Exit.OK
        yield running


def test_a_deleted_message_is_listed_and_restored(vvm: CommandLine) -> None:
    vvm("message", "deposit", str(vvm.directory / "hello.wav"), "--to", ALICE)
    vvm("message", "delete", ALICE, "1")
    (deleted,) = vvm("message", "deleted", ALICE, "--json").rows
    assert (deleted["uid"], deleted["folder"]) == (1, "INBOX")
    number = str(deleted["id"])
    assert vvm("message", "restore", ALICE, number, "--json").document == {"folder": "INBOX", "uid": 2}
    assert vvm("message", "restore", ALICE, number).code == Exit.REFUSED
    assert [row["uid"] for row in vvm("message", "list", ALICE, "--json").rows] == [2]


def test_a_legal_hold_is_laid_and_lifted(vvm: CommandLine) -> None:
    assert vvm("subscriber", "hold", ALICE, "--reason", "case 12", "--json").document["held"] is True
    assert vvm("subscriber", "remove", ALICE).code == Exit.REFUSED
    assert vvm("subscriber", "release", ALICE, "--reason", "closed", "--json").document["held"] is False
    assert vvm("subscriber", "remove", ALICE).code == Exit.OK
    assert [row["reason"] for row in vvm("subscriber", "audit", ALICE, "--json").rows] == [
        "",
        "closed",
        "case 12",
        "",
    ]


def test_numbers_are_added_changed_and_removed(vvm: CommandLine) -> None:
    second, new = "+33612000002", "+33712345678"
    assert vvm("subscriber", "add-alias", ALICE, second, "--json").document["added"] is True
    assert vvm("subscriber", "add-alias", ALICE, second, "--json").document["added"] is False
    assert vvm("subscriber", "aliases", ALICE, "--json").document == {"aliases": [second]}
    assert vvm("subscriber", "show", second, "--json").document["msisdn"] == ALICE
    for words in (
        ("remove",),
        ("close", "--reason", "no"),
        ("reopen", "--reason", "no"),
        ("hold", "--reason", "no"),
        ("set", "--blocked"),
        ("swap-sim",),
        ("reset-pin",),
        ("rotate",),
        ("activate",),
    ):
        by_alias = vvm("subscriber", words[0], second, *words[1:])
        assert (by_alias.code, "is an alias" in by_alias.err) == (Exit.REFUSED, True), words
    assert vvm("subscriber", "remove-alias", ALICE, second).code == Exit.OK
    assert vvm("subscriber", "show", second).code == Exit.REFUSED
    changed = vvm("subscriber", "renumber", ALICE, new, "--reason", "ported", "--json").document
    assert changed["msisdn"] == new
    assert vvm("subscriber", "show", ALICE).code == Exit.REFUSED
    assert vvm("subscriber", "swap-sim", new, "--json").document["status"] == "P"


def test_a_subscriber_is_closed_and_opened_again(vvm: CommandLine) -> None:
    closed = vvm("subscriber", "close", ALICE, "--reason", "contract ended", "--json").document
    assert (closed["status"], closed["closing_at"] is None) == ("U", False)
    opened = vvm("subscriber", "reopen", ALICE, "--reason", "paid", "--json").document
    assert (opened["status"], opened["closing_at"]) == ("P", None)
