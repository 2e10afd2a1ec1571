# SPDX-License-Identifier: Apache-2.0
"""What a command line that lacks something is told, and what --help shows."""

from __future__ import annotations

import pytest

from tests.unit.command_line import CommandLine
from vvm.cli.main import Exit

ALICE = "+33612345678"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("subscriber hold +33612345678", "vvm: --reason is missing\n"),
        ("subscriber add", "vvm: MSISDN is missing\n"),
        ("subscriber hold +33612345678 --reason", "--reason requires an argument"),
        (f"subscriber hold +33612345678 --reason {'x' * 201}", "at most 200 characters"),
        (f"subscriber import base.csv --reason {'x' * 201}", "at most 200 characters"),
        ("store copy foo bar", "sqlite:///PATH or postgresql://USER@HOST/DATABASE"),
    ],
)
def test_what_a_command_lacks_is_named(vvm: CommandLine, words: str, said: str) -> None:
    ran = vvm(*words.split())
    assert (ran.code, said in ran.err) == (Exit.USAGE, True), ran.err


def test_where_the_configuration_may_stand_is_said(vvm: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VVM_CONFIG")
    ran = vvm("subscriber", "list")
    assert (ran.code, ran.err) == (Exit.USAGE, "vvm: --config is missing: give it, or set VVM_CONFIG\n")


def test_a_pin_that_is_refused_is_told_the_rules(vvm: CommandLine) -> None:
    vvm("subscriber", "list")  # which makes the store, and says so
    pin = vvm.directory / "pin"
    for text, why in (("777777", "is too weak"), ("12", "is too short"), ("25803x", "no digits")):
        pin.write_text(f"{text}\n")
        ran = vvm("subscriber", "add", ALICE, "--pin-file", str(pin))
        assert ran.code == Exit.REFUSED
        assert why in ran.err
        assert (
            "it must be 4 to 9 digits, and not one digit repeated nor a run up or down nor digits" in ran.err
        )
        assert text not in ran.err


def test_a_directory_without_a_backup_is_named_without_a_number_of_the_system(vvm: CommandLine) -> None:
    vvm("subscriber", "list")
    ran = vvm("backup", "verify", "/no/such")
    assert (ran.code, ran.err) == (
        Exit.REFUSED,
        "vvm: /no/such holds no whole backup: manifest.json: No such file or directory\n",
    )


@pytest.mark.parametrize("words", ["migrate imap", "carrier-config export", "token create", "webhook show"])
def test_help_shows_nothing_of_python(vvm: CommandLine, words: str) -> None:
    told = vvm(*words.split(), "--help").out
    assert not [slip for slip in ("()", "('", "--empty", " NUMBER") if slip in told]
