# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to write, among the processes that share one database file.

SQLite lets one write at a time and has the others look again after pauses of up to a tenth of a second:
the file lies idle meanwhile, and who commits without a break keeps the others out for seconds.  Two locks
beside the file make a turnstile of it: who wants to write first becomes the *next* one, and nobody passes
it, not even the one who wrote last.  They are locks of the kernel, so a process that is killed holds none.

It is courtesy and speed and no more than that: SQLite's own lock keeps the file whole.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_AGAIN_SECONDS = 0.0002
"""A commit takes some milliseconds; a blocking lock could not be given up."""


class Turn:
    """For one thread at a time."""

    def __init__(self, path: Path, *, patience_seconds: float) -> None:
        """``path``: of the database, which is there.  Raises OSError."""
        self._patience = patience_seconds
        self._next = open_beside(path, "-next")
        self._writing = open_beside(path, "-turn")

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, but not for longer than the patience given: from then on SQLite decides."""
        deadline = time.monotonic() + self._patience
        _wait(self._next, deadline)
        try:
            _wait(self._writing, deadline)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._writing, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._next)
        os.close(self._writing)


def open_beside(database: Path, suffix: str) -> int:
    """A descriptor of a file with the owner and the rights of the database, as SQLite does it with its own.

    Raises OSError.
    """
    like = database.stat()
    lock = os.open(f"{database}{suffix}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, like.st_mode & 0o777)
    if os.geteuid() == 0:
        os.fchown(lock, like.st_uid, like.st_gid)
    return lock


def _wait(lock: int, deadline: float) -> None:
    while not _locked(lock) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
