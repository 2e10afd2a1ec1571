# SPDX-License-Identifier: Apache-2.0
"""One look into a file, which it leaves as it is: no step of the schema is run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from vvm.store.sql import named_statements

_SQL = named_statements("vvm.store.sqlite.queries", "glance.sql")


class NoDatabase(ValueError):
    """What is there is not a file of SQLite."""


def sealed_password(path: Path) -> tuple[str, bytes] | None:
    """The IMAP user and the sealed password of any subscriber; None where the file tells of none.

    An empty file is a database; one that is locked or of an unknown schema tells of none.  Raises NoDatabase.
    """
    # Nobody has the file open who has no log beside it; whoever reads one with a log shares its memory.
    alone = "&immutable=1" if not Path(f"{path}-wal").exists() else ""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{alone}", uri=True)) as connection:
            found = connection.execute(_SQL["sealed"]).fetchone()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise NoDatabase(f"{path} is not a database of SQLite") from None
        return None
    return (str(found[0]), bytes(found[1])) if found else None
