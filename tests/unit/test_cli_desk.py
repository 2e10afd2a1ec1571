# SPDX-License-Identifier: Apache-2.0
"""What an operator does in place of a subscriber, by command line, with the real pool of transcoders."""

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
        assert running("subscriber", "add", ALICE).code == Exit.OK
        yield running


def test_a_message_is_heard_marked_and_deleted(vvm: CommandLine) -> None:
    vvm("message", "deposit", str(vvm.directory / "hello.wav"), "--to", ALICE)
    target = vvm.directory / "heard.opus"
    heard = vvm("message", "audio", ALICE, "1", str(target), "--json").document
    assert (heard["format"], heard["octets"]) == ("opus", target.stat().st_size)
    assert target.read_bytes().startswith(b"OggS")
    assert vvm("message", "audio", ALICE, "1", "heard.flac").code == Exit.USAGE
    assert vvm("message", "mark", ALICE, "1", "--seen", "--json").document["seen"] is True
    assert vvm("message", "mark", ALICE, "1", "--unseen", "--json").document["seen"] is False
    assert vvm("message", "delete", ALICE, "1").code == Exit.OK
    assert vvm("message", "delete", ALICE, "1").code == Exit.REFUSED


def test_a_greeting_is_recorded_exchanged_heard_and_removed(vvm: CommandLine) -> None:
    file = str(vvm.directory / "hello.wav")
    assert vvm("greeting", "add", ALICE, file, "--json").document["active"] is True
    assert vvm("greeting", "add", ALICE, file, "--inactive", "--json").document["active"] is False
    assert vvm("greeting", "use", ALICE, "2", "--json").document["active"] is True
    target = vvm.directory / "heard.wav"
    assert vvm("greeting", "audio", ALICE, "2", str(target)).code == Exit.OK
    assert target.read_bytes().startswith(b"RIFF")
    assert vvm("greeting", "remove", ALICE, "2").code == Exit.OK
    (left,) = vvm("greeting", "list", ALICE, "--json").rows
    assert (left["uid"], left["active"]) == (1, False)


def test_an_operator_activates_and_deactivates(vvm: CommandLine) -> None:
    assert vvm("subscriber", "activate", ALICE, "--json").document["status"] == "R"
    assert vvm("subscriber", "deactivate", ALICE, "--json").document["status"] == "P"
    vvm("subscriber", "set", ALICE, "--blocked")
    assert vvm("subscriber", "activate", ALICE).code == Exit.REFUSED
