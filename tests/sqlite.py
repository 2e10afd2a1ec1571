# SPDX-License-Identifier: Apache-2.0
"""A file of SQLite with today's schema, made once a run: the tests that want one are about something else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from vvm.store.sqlite.schema import prepare


def ready(path: Path) -> Path:
    """Where nothing is at ``path``, an empty store, as a program leaves it that opened and closed it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(_empty())
    return path


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vvm.db"
        prepare(path)
        return path.read_bytes()
