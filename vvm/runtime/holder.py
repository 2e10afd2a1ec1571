# SPDX-License-Identifier: Apache-2.0
"""The name under which a sender leases, which outlives the process and never names two at once.

A killed process leaves notifications in its hands.  Whoever gets its name next knows by the lock that it
is dead, and takes them back at once instead of when their leases end.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


@contextmanager
def held_name(folder: Path) -> Iterator[str]:
    """The first name in ``folder`` that no living process has, made where there is none yet.

    Several senders may share a folder: each has a file ``sender.N`` of its own, whose content is the
    name, so that senders on other machines are never meant.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        descriptor = os.open(folder / f"sender.{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield _name(descriptor)
        finally:
            os.close(descriptor)  # the end of the process does the same
        return


def _name(descriptor: int) -> str:
    if not (name := os.read(descriptor, 64).decode("ascii", "replace")):
        name = secrets.token_hex(16)
        os.write(descriptor, name.encode())
        os.fsync(descriptor)
    return name
