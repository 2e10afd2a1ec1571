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


def test_what_a_command_writes_is_its_owners_alone(vvm: CommandLine) -> None:
    vvm("message", "deposit", str(vvm.directory / "hello.wav"), "--to", ALICE)
    here = vvm.directory
    before = set(here.iterdir())
    assert vvm("subscriber", "export", str(here / "all.csv")).code == Exit.OK
    assert vvm("message", "audio", ALICE, "1", str(here / "one.wav")).code == Exit.OK
    bad = here / "all.csv"
    assert vvm("subscriber", "import", str(bad), "--bad-lines", str(here / "bad.ndjson")).code == Exit.OK
    made = set(here.iterdir()) - before
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in made} == dict.fromkeys(
        ("all.csv", "one.wav", "bad.ndjson"), "0o600"
    )
    lost = vvm("subscriber", "export", "/no/such/all.csv")
    assert (lost.code, lost.err) == (Exit.OUTAGE, "vvm: /no/such/all.csv: No such file or directory\n")


def test_a_number_without_its_form_is_a_slip_of_the_command_line(vvm: CommandLine) -> None:
    deposit = ("message", "deposit", "/dev/null", "--to", ALICE, "--from", "bob")
    for words in (("doctor", "0612"), ("subscriber", "add", "0612"), ("subscriber", "show", "0612"), deposit):
        ran = vvm(*words)
        assert (ran.code, ran.out, ran.err.count("\n")) == (Exit.USAGE, "", 1), words
        assert "must be" in ran.err


def test_a_subscriber_is_closed_and_opened_again(vvm: CommandLine) -> None:
    closed = vvm("subscriber", "close", ALICE, "--reason", "contract ended", "--json").document
    assert (closed["status"], closed["closing_at"] is None) == ("U", False)
    for words in (("rotate",), ("reset-pin",), ("set", "--blocked"), ("swap-sim",)):
        assert vvm("subscriber", words[0], ALICE, *words[1:]).code == Exit.REFUSED, words
    opened = vvm("subscriber", "reopen", ALICE, "--reason", "paid", "--json").document
    assert (opened["status"], opened["closing_at"]) == ("P", None)
