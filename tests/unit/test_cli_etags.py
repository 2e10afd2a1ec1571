# SPDX-License-Identifier: Apache-2.0
"""``--etag`` and ``--if-match``: by hand, too, nobody overwrites what it has not read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.command_line import CommandLine, command_line
from tests.unit.services_world import ALICE, TWO_SECONDS
from vvm.cli.main import Exit

SHOWN = [
    (["subscriber", "show", ALICE], ["subscriber", "set", ALICE, "--max-messages", "7"]),
    *(
        (["subscriber", "show", ALICE], ["subscriber", step, ALICE, "--reason", "case 12"])
        for step in ("hold", "release", "close", "reopen")
    ),
    (["cos", "show", "gold"], ["cos", "put", "gold", "--max-messages", "7"]),
    (["message", "show", ALICE, "1"], ["message", "mark", ALICE, "1", "--seen"]),
    (["greeting", "show", ALICE, "1"], ["greeting", "use", ALICE, "1", "--inactive"]),
    (["webhook", "show", "1"], ["webhook", "set", "1", "--paused"]),
]
REMOVED = [
    (["message", "show", ALICE, "1"], ["message", "delete", ALICE, "1"]),
    (["greeting", "show", ALICE, "1"], ["greeting", "remove", ALICE, "1"]),
    (["webhook", "show", "1"], ["webhook", "remove", "1"]),
    (["device", "show", ALICE, "1"], ["device", "revoke", ALICE, "1"]),
    (["cos", "show", "gold"], ["cos", "remove", "gold"]),
    (["subscriber", "show", ALICE], ["subscriber", "remove", ALICE]),
]


@pytest.fixture
def vvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    file = tmp_path / "hello.wav"
    file.write_bytes(TWO_SECONDS)
    with command_line(tmp_path, monkeypatch, capsys) as running:
        for words in (
            ["subscriber", "add", ALICE],
            ["cos", "put", "gold"],
            ["message", "deposit", str(file), "--to", ALICE],
            ["greeting", "add", ALICE, str(file)],
            ["webhook", "add", "https://crm.example.net/"],
            ["device", "add", ALICE, "--name", "Tablet"],
        ):
            assert running(*words).code == Exit.OK, words
        yield running


def test_a_change_of_what_was_read_is_taken_once(vvm: CommandLine) -> None:
    for show, change in SHOWN:
        tag = vvm(*show, "--etag").out.strip()
        assert vvm(*change, "--if-match", tag).code == Exit.OK, change
        refused = vvm(*change, "--if-match", tag)
        assert (refused.code, refused.err) == (Exit.REFUSED, "vvm: it has changed since it was read\n")
        assert vvm(*change, "--if-match", "*").code == Exit.OK


def test_a_class_is_only_added(vvm: CommandLine) -> None:
    refused = vvm("cos", "put", "gold", "--new")
    assert (refused.code, refused.err) == (Exit.REFUSED, "vvm: it is there already\n")
    assert vvm("cos", "put", "silver", "--new").code == Exit.OK


def test_only_what_was_read_is_removed(vvm: CommandLine) -> None:
    for show, remove in REMOVED:
        assert vvm(*remove, "--if-match", '"1"').code == Exit.REFUSED, remove
        bare = vvm(*show, "--etag").out.strip().strip('"')  # as a shell leaves it
        assert vvm(*remove, "--if-match", bare).code == Exit.OK, remove


def test_a_class_that_is_gone_is_not_added_by_a_change_of_it(vvm: CommandLine) -> None:
    assert vvm("cos", "put", "silver", "--if-match", "*").code == Exit.REFUSED
    assert vvm("cos", "show", "silver").code == Exit.REFUSED
