# SPDX-License-Identifier: Apache-2.0
"""What an import takes and refuses, and how it says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.command_line import CommandLine, command_line

ALICE = "+33612345678"


@pytest.fixture
def vvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    with command_line(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.mark.parametrize("update", [(), ("--update",)])
@pytest.mark.parametrize(
    ("client", "why"),
    [
        ({"port": 99999}, "client.port"),
        ({"port": -1}, "client.port"),
        ({"prefix": "a b:c"}, "client.prefix"),
        ({"protocol_version": 1}, "client.protocol_version"),
        ({"source": "abc def"}, "client.source"),
        ({"carrier": "nope"}, "carrier"),
        ({"prot": 4}, "prot"),
        ({"client_type": "x" * 47}, "client.client_type"),
        ({"client_type": "a\nb"}, "client.client_type"),
        ({"number": "+33687654321"}, "client.number"),
    ],
)
def test_a_client_that_the_api_refuses_is_no_client_of_an_import(
    vvm: CommandLine, client: dict[str, object], why: str, update: tuple[str, ...]
) -> None:
    if update:
        assert vvm("subscriber", "add", ALICE).code == 0
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "client": client}) + "\n")
    for dry_run in (("--dry-run",), ()):
        ran = vvm("subscriber", "import", str(file), "--json", *update, *dry_run)
        assert (ran.code, ran.document["bad"]) == (1, 1)
        assert why in ran.out
    assert len(vvm("subscriber", "list", "--json").rows) == bool(update)


def test_the_audit_has_what_an_operator_changed(vvm: CommandLine) -> None:
    vvm("cos", "put", "gold")
    vvm("subscriber", "add", ALICE, "--max-messages", "50", "--cos", "gold")
    vvm("subscriber", "set", ALICE, "--cos", "", "--client-port", "0", "--blocked")
    pin = vvm.directory / "pin"
    pin.write_text("258036\n")
    vvm("subscriber", "set", ALICE, "--pin-file", str(pin), "--unblocked", "--no-setup-done")
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "max_messages": 60}) + "\n")
    for _ in range(2):
        vvm("subscriber", "import", str(file), "--update", "--reason", "tariff")
    rows = vvm("subscriber", "audit", ALICE, "--json").rows
    assert [(row["trigger"], row["reason"]) for row in rows] == [
        ("operator", "tariff; max_messages 50 -> 60"),
        ("unblocked", "setup_done yes -> no; a new PIN"),
        ("blocked", 'cos gold -> ""; client.port 5499 -> 0'),
        ("created", ""),
    ]
    assert all(str(row["actor"]).startswith("cli:") for row in rows)


def test_what_a_client_has_told_itself_comes_back(vvm: CommandLine) -> None:
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "client": {"port": 65535, "client_type": "AOSP"}}) + "\n")
    assert vvm("subscriber", "import", str(file)).code == 0
    assert vvm("subscriber", "set", ALICE, "--client-prefix", "//X").code == 0
