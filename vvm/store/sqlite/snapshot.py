# SPDX-License-Identifier: Apache-2.0
"""A copy of the file as it is at one instant, made beside whoever writes it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from vvm.domain.errors import Outage
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import connect

_SQL = named_statements("vvm.store.sqlite.queries", "snapshot.sql")
_PAGES = 2000
"""A step of the copy, 16 MB; after each it tells how far it is."""


def copy_file(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy, fsynced; ``progress`` hears how many pages are done, of how many.  Raises Outage.

    Nobody waits for it: in WAL mode a reader and the writers do not meet.
    """
    with _opened(source) as origin, closing(sqlite3.connect(target)) as copy:
        # One transaction for all steps: without it a commit of somebody would start the copy anew.
        origin.execute("BEGIN")
        origin.execute(_SQL["schema"]).fetchone()
        origin.backup(copy, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
        origin.execute("COMMIT")
    target.chmod(0o600)
    for place in (target, target.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(connect(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise Outage(f"{path}: {error}") from error


def schema_of(path: Path) -> int:
    with _opened(path) as connection:
        (version,) = connection.execute(_SQL["schema"]).fetchone()
        return int(version)


def blob_keys(path: Path, *, after: str, limit: int) -> list[str]:
    """The blobs that a file's messages have, in their order."""
    with _opened(path) as connection:
        return [key for (key,) in connection.execute(_SQL["blob_keys"], (after, limit))]


def begin_anew(path: Path, at: datetime) -> None:
    """Give every folder another UIDVALIDITY.

    A restored file would use UIDs again that clients have seen since it was copied (RFC 9051 2.3.1.1).
    """
    with _opened(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_SQL["begin_mailboxes_anew"], (int(at.timestamp()),))
        connection.execute(_SQL["begin_folders_anew"])
        connection.execute("COMMIT")
