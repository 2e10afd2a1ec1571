# SPDX-License-Identifier: Apache-2.0
"""What the demonstration tells to do next can be copied as it is."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import msgspec
import pytest

from vvm.config.sections import Config, ImapSection
from vvm.simulator.imap import Account
from vvm.simulator.next_steps import next_steps

ACCOUNT = Account("localhost", 1143, "33612345678@vvm.example.net", "machine-made")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """As a shell splits them, which also runs in a directory with a space in its name."""
    here = tmp_path / "a directory"
    here.mkdir()
    monkeypatch.chdir(here)
    config = msgspec.structs.replace(Config(), imap=ImapSection(listen=("0.0.0.0:143",)))
    lines = next_steps(
        config, here / "a file.toml", ACCOUNT, subscriber="+33612345678", caller="+33698765432"
    )
    return [shlex.split(line) for line in lines if line.startswith(" ")]


def test_every_file_that_is_named_is_there_or_made_by_the_server(commands: list[list[str]]) -> None:
    (deposit,) = [words for words in commands if "deposit" in words]
    program, speech = Path(deposit[0]), Path(deposit[3])
    assert (program.name, program.is_file()) == ("vvm", True)
    assert speech.read_bytes().startswith(b"RIFF")
    assert deposit[4:] == ["--to", "+33612345678", "--from", "+33698765432", "--config", "a file.toml"]


def test_the_token_is_read_from_its_file_and_not_shown(commands: list[list[str]]) -> None:
    headers = [words[words.index("-H") + 1] for words in commands if "-H" in words]
    assert headers == ["Authorization: Bearer $(cat var/admin.token)"] * 2


def test_the_phone_is_a_program_that_python_can_read(commands: list[list[str]]) -> None:
    (code,) = [words[2] for words in commands if "-c" in words]
    ast.parse(code)
    for said in ("127.0.0.1", "143", "var/tls.crt", ACCOUNT.user, ACCOUNT.password):
        assert said in code
