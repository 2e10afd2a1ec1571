# SPDX-License-Identifier: Apache-2.0
"""What takes long shows how far it is on a terminal, and nothing where a program reads along."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
BAR = "\u2501".encode()
"""What a bar is drawn with."""
LONG = {
    "subscriber import": ("subscriber", "import", "base.csv"),
    "subscriber export": ("subscriber", "export", "all.ndjson"),
    "subscriber announce": ("subscriber", "announce"),
    "store check": ("store", "check"),
    "store migrate": ("store", "migrate"),
    "store copy": ("store", "copy", "sqlite:///var/vvm.db", "sqlite:///other.db"),
    "backup create": ("backup", "create", "copied"),
    "backup recovered": ("backup", "recovered"),
    "doctor": ("doctor", "+33612345678"),
    "blobs sweep": ("blobs", "sweep", "--all"),
    "migrate csv": ("migrate", "csv", "table.csv"),
}


class Ran(msgspec.Struct):
    code: int
    err: bytes
    """What came to stderr, or to the terminal that it was."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "vvm.toml").write_text(
        f'[state]\ndirectory = "var"\n[blobs]\nurl = "file://{tmp_path}/blobs"\n'
    )
    (tmp_path / "base.csv").write_text("msisdn\n+33612345678\n")
    (tmp_path / "table.csv").write_text("msisdn,file,received_at\n")
    assert run(tmp_path, ("subscriber", "import", "base.csv"), terminal=False).code == 0
    return tmp_path


def run(directory: Path, words: Sequence[str], *, terminal: bool) -> Ran:
    """The command as a process whose stderr is a terminal, or a pipe."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "vvm", *words, "--config", "vvm.toml"],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    heard = []
    with suppress(OSError):  # EIO: whoever had the other side of a terminal is gone
        while octets := os.read(ours, 65536):
            heard.append(octets)
    os.close(ours)
    return Ran(process.wait(), b"".join(heard))


@pytest.mark.parametrize("name", LONG)
def test_a_bar_is_shown_on_a_terminal_and_nowhere_else(directory: Path, name: str) -> None:
    again = {"store copy": "third.db", "backup create": "again"}
    *words, last = LONG[name]
    shown = run(directory, (*words, last), terminal=True)
    assert shown.code == (1 if name == "doctor" else 0), shown.err  # nothing runs that it could find healthy
    assert BAR in shown.err or "\u280b".encode() in shown.err
    if name == "store copy":  # the source is sealed by now
        return
    quiet = (*words, again.get(name, last))
    for options, terminal in (("--json",), True), ((), False):
        told = run(directory, (*quiet, *options), terminal=terminal)
        assert BAR not in told.err
        again |= {"backup create": "once more"}
        quiet = (*words, again.get(name, last))
