# SPDX-License-Identifier: Apache-2.0
"""Brings a file's schema up to date, and refuses a file that is too new."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import structlog

from vvm.domain.errors import Outage
from vvm.store.handover import HandedOver
from vvm.store.migration import Migrated, When, steps
from vvm.store.sqlite.engine import connect

log = structlog.get_logger(__name__)

VERSION = 28
"""The schema that this release writes."""
COMPATIBLE = 21
"""The oldest release, by its VERSION, that can work with a file of this schema.

3, 9, 14 and 20 brought causes of a notification that an older release cannot read; 8 content that several
messages share, which an older release would delete with the first of them; 11 octets in blobs, which
it would show as empty messages; 16 subscribers of whom nothing may be deleted, which it would delete;
17 journals that begin later, of which it would tell no client; 18 aliases, which it would give away;
19 subscribers that are closed, whom it would open again; 21 SMS from handsets without a
key of their own, which it could not keep.
"""
_STEPS = "vvm.store.sqlite.migrations"
PAGE_BYTES = 8192
"""A voice message of 30 KB lies on four pages and not on eight."""


def prepare(path: Path, *, finish: bool = False, handing_over: bool = False) -> Migrated:
    """Create the file, which the log tells of, or run its missing steps, in one transaction.

    ``finish``: no program of an older release will open the file any more; what waits for that is
    done now.  ``handing_over``: it may be marked as a store that becomes another one.  Raises Outage when
    the file was made by a release that this one is too old for, HandedOver.
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
        for _, text in steps(_STEPS, after=version):
            _run(connection, text)
        oldest = VERSION if finish or version == 0 else max(compatible, COMPATIBLE)
        migrated = _finish(connection, Migrated(max(version, VERSION), oldest, 0))
        marked = connection.execute("SELECT role, place FROM handover").fetchone()
        connection.execute("COMMIT")
    finally:
        connection.close()
    if version == 0:
        log.warning("store_made", place=str(path.absolute()))
    if marked and not handing_over:
        raise HandedOver(*marked)
    return migrated


def _finish(connection: sqlite3.Connection, reached: Migrated) -> Migrated:
    """Note where the schema stands, and run the steps that no older release is in the way of."""
    (done,) = connection.execute("SELECT post FROM schema_version").fetchone()
    for _, text in steps(_STEPS, When.POST, after=done, upto=reached.compatible):
        _run(connection, text)
    reached = Migrated(reached.version, reached.compatible, max(done, reached.compatible))
    values = (reached.version, reached.compatible, reached.post)
    connection.execute("UPDATE schema_version SET version = ?, compatible = ?, post = ?", values)
    return reached


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
