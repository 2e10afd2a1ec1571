# SPDX-License-Identifier: Apache-2.0
"""An import that ``kill -9`` interrupts goes on when it is repeated: nobody twice, nobody missing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

pytestmark = pytest.mark.process

COUNT = 20_000
ROOT = Path(__file__).parents[2]


class Report(msgspec.Struct):
    created: int
    known: int
    bad: int


def importing(directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "vvm", "subscriber", "import", "base.csv", "--json", "--config", "vvm.toml"],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )


def subscribers(directory: Path) -> int:
    """How many are committed; 0 while there is no store yet."""
    try:
        with closing(sqlite3.connect(f"file:{directory}/var/vvm.db?mode=ro", uri=True)) as store:
            (count,) = store.execute("SELECT count(*) FROM subscriber").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(count)


def test_an_import_that_was_killed_goes_on(tmp_path: Path) -> None:
    numbers = [f"+336{index:08}" for index in range(COUNT)]
    (tmp_path / "base.csv").write_text("msisdn\n" + "\n".join(numbers) + "\n")
    (tmp_path / "vvm.toml").write_text("")
    for progress in (1, COUNT // 3):
        process = importing(tmp_path)
        while subscribers(tmp_path) < progress:
            assert process.poll() is None
        process.kill()
        process.communicate()
    there = subscribers(tmp_path)
    assert COUNT // 3 <= there < COUNT
    process = importing(tmp_path)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert msgspec.json.decode(out, type=Report) == Report(created=COUNT - there, known=there, bad=0)
    with closing(sqlite3.connect(tmp_path / "var" / "vvm.db")) as store:
        assert [row for (row,) in store.execute("SELECT msisdn FROM subscriber ORDER BY msisdn")] == numbers
        for table, each in (("mailbox", 1), ("folder", 2), ("audit", 1)):
            assert store.execute(f"SELECT count(*) FROM {table}").fetchone() == (each * COUNT,)
