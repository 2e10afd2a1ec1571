# SPDX-License-Identifier: Apache-2.0
"""Processes that write one file take turns, and nobody is passed over."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from vvm.store.sqlite.turn import Turn

LONG = 60.0
HOLDER = """
import pathlib, sys
from vvm.store.sqlite.turn import Turn
with Turn(pathlib.Path(sys.argv[1]), patience_seconds=60).taken():
    print("mine", flush=True)
    input()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "vvm.db"
    path.touch(mode=0o640)
    return path


@pytest.fixture
def turns(database: Path) -> Iterator[list[Turn]]:
    with ExitStack() as stack:
        made = [Turn(database, patience_seconds=LONG) for _ in range(2)]
        for turn in made:
            stack.callback(turn.close)
        yield made


def test_who_wrote_last_does_not_pass_the_one_that_waits(turns: list[Turn]) -> None:
    order: list[str] = []
    last, other = turns
    waits = threading.Event()

    def wait_and_write() -> None:
        waits.set()
        with other.taken():
            order.append("the one that waited")

    thread = threading.Thread(target=wait_and_write)
    with last.taken():
        thread.start()
        waits.wait()
        while other_is_not_next(last):
            pass
        order.append("the first")
    with last.taken():
        order.append("the first again")
    thread.join()
    assert order == ["the first", "the one that waited", "the first again"]


def other_is_not_next(turn: Turn) -> bool:
    """Asked while somebody else is on the way to become the next one."""
    try:
        fcntl.flock(turn._next, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(turn._next, fcntl.LOCK_UN)
    return True


def test_a_process_that_is_killed_holds_no_turn(database: Path, turns: list[Turn]) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"mine\n"
    holder.send_signal(signal.SIGKILL)
    with turns[0].taken():
        pass
    holder.communicate()


def test_patience_ends_and_sqlite_decides(database: Path, turns: list[Turn]) -> None:
    hasty = Turn(database, patience_seconds=0)
    with turns[0].taken(), hasty.taken():
        pass
    hasty.close()


def test_the_files_have_the_rights_of_the_database(database: Path, turns: list[Turn]) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in database.parent.iterdir()} == {
        "vvm.db": 0o640,
        "vvm.db-next": 0o640,
        "vvm.db-turn": 0o640,
    }
