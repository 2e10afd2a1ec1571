# SPDX-License-Identifier: Apache-2.0
"""Brings a file's schema up to date, and refuses a file that is too new."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from vvm.domain.errors import Outage
from vvm.store.migration import steps
from vvm.store.sqlite.engine import connect

VERSION = 16
"""The schema that this release writes."""
COMPATIBLE = 16
"""The oldest release, by its VERSION, that can work with a file of this schema.

3, 9 and 14 brought causes of a notification that an older release cannot read; 8 content that several
messages share, which an older release would delete with the first of them; 11 octets in blobs, which
it would show as empty messages; 16 subscribers of whom nothing may be deleted, which it would delete.
"""
PAGE_BYTES = 8192
"""A voice message of 30 KB lies on four pages and not on eight."""


def prepare(path: Path) -> None:
    """Create the file or run its missing steps, in one transaction.

    Raises Outage when the file was made by a release that this one is too old for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    raw.close()
    connection = connect(path)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        version, compatible = _versions(connection)
        if compatible > VERSION:
            raise Outage(f"{path} needs schema {compatible}, this release knows {VERSION}: upgrade it")
        for _, text in steps("vvm.store.sqlite.migrations", after=version):
            _run(connection, text)
        connection.execute(
            "UPDATE schema_version SET version = max(version, ?), compatible = max(compatible, ?)",
            (VERSION, COMPATIBLE),
        )
        connection.execute("COMMIT")
    finally:
        connection.close()


def _versions(connection: sqlite3.Connection) -> tuple[int, int]:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").fetchone()
    if found is None:
        return 0, 0
    version, compatible = connection.execute("SELECT version, compatible FROM schema_version").fetchone()
    return version, compatible


def _run(connection: sqlite3.Connection, text: str) -> None:
    """Run a script inside the open transaction, which executescript() would commit."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
