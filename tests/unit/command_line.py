# SPDX-License-Identifier: Apache-2.0
"""``vvm WORDS…`` in this process, on a store of its own under a directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.unit.logging_restored import logging_restored
from vvm.cli.main import main


class Ran(msgspec.Struct, frozen=True):
    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)

    @property
    def document(self) -> dict[str, object]:
        """The output of a command that shows one thing."""
        return msgspec.json.decode(self.out, type=dict[str, object])

    @property
    def rows(self) -> list[dict[str, object]]:
        """The things that a command lists, which a page has first."""
        found = json.loads(self.out)
        things = next(iter(found.values())) if isinstance(found, dict) else found
        return msgspec.convert(things, list[dict[str, object]])


class CommandLine:
    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.config = directory / "vvm.toml"
        self._capsys = capsys

    def __call__(self, *words: str) -> Ran:
        code = main(words)
        said = self._capsys.readouterr()
        return Ran(int(code), said.out, said.err)


@contextmanager
def command_line(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, more: str = ""
) -> Iterator[CommandLine]:
    """``more`` is appended to the configuration."""
    vvm = CommandLine(directory, capsys)
    state = f'[state]\ndirectory = "{directory}/var"\n[store]\nurl = "sqlite:///{directory}/var/vvm.db"\n'
    vvm.config.write_text(state + more)
    monkeypatch.setenv("VVM_CONFIG", str(vvm.config))
    with logging_restored():
        yield vvm
