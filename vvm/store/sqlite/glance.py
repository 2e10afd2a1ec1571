# SPDX-License-Identifier: Apache-2.0
"""One look into a file, which it leaves as it is: no step of the schema is run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from vvm.store.handover import Handover
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Row

_SQL = named_statements("vvm.store.sqlite.queries", "glance.sql")


class NoDatabase(ValueError):
    """What is there is not a file of SQLite."""


class Glance(msgspec.Struct, frozen=True):
    """What a start looks at first; nothing of a file that is empty, locked, or of another schema."""

    sealed: tuple[str, bytes] | None = None
    """The IMAP user and the sealed password of any subscriber."""
    marked: Handover | None = None
    in_blobs: bool = False
    """Octets of some message lie outside."""


def glance(path: Path) -> Glance:
    """Look into a file that is there.  Raises NoDatabase."""
    # Nobody has the file open who has no log beside it; whoever reads one with a log shares its memory.
    alone = "&immutable=1" if not Path(f"{path}-wal").exists() else ""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{alone}", uri=True)) as connection:
            sealed, marked, blob = (_row(connection, name) for name in ("sealed", "marked", "in_blobs"))
    except sqlite3.OperationalError:
        return Glance()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise NoDatabase(f"{path} is not a database of SQLite") from None
        return Glance()
    return Glance(
        sealed=(sealed[0], bytes(sealed[1])) if sealed else None,
        marked=Handover(*marked) if marked else None,
        in_blobs=blob is not None,
    )


def _row(connection: sqlite3.Connection, name: str) -> Row | None:
    try:
        row: Row | None = connection.execute(_SQL[name]).fetchone()
    except sqlite3.OperationalError:
        return None
    return row
