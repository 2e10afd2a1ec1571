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


def test_what_a_client_has_told_itself_comes_back(vvm: CommandLine) -> None:
    file = vvm.directory / "base.ndjson"
    file.write_text(json.dumps({"msisdn": ALICE, "client": {"port": 65535, "client_type": "AOSP"}}) + "\n")
    assert vvm("subscriber", "import", str(file)).code == 0
    assert vvm("subscriber", "set", ALICE, "--client-prefix", "//X").code == 0
