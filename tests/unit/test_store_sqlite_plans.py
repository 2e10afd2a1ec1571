# SPDX-License-Identifier: Apache-2.0
"""What SQLite makes of our statements: a cost that grows with the number of subscribers is a bug."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from vvm.store.sql import named_statements
from vvm.store.sqlite.schema import prepare

QUERIES = "vvm.store.sqlite.queries"
STATEMENTS = {
    f"{item.name.removesuffix('.sql')}.{name}": text
    for item in files(QUERIES).iterdir()
    if item.name.endswith(".sql")
    and item.name not in {"snapshot.sql", "check.sql", "copy.sql"}  # these read everything
    for name, text in named_statements(QUERIES, item.name).items()
}
# These hold only what is owed, dead, pending, or waits for segments or its end, not what ever was;
# webhooks are few, and a handover is one.
SMALL = (
    "outbox_next",
    "outbox_dead",
    "inbound_pending",
    "inbound_segment",
    "loose_blob_waiting",
    "webhook",
    "handover",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("plans") / "vvm.db"
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_a_whole_table(database: sqlite3.Connection, name: str) -> None:
    text = STATEMENTS[name]
    named = dict.fromkeys(re.findall(r":(\w+)", text))
    parameters: object = named or [None] * text.count("?")
    plan = database.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()  # type: ignore[arg-type]
    scans = [row[3] for row in plan if row[3].startswith("SCAN")]
    # What a subquery gives out is scanned; where it takes that from is a line of its own.
    harmless = ("CONSTANT ROW", "(subquery", "json_each")
    assert [scan for scan in scans if not scan.endswith(SMALL) and not any(map(scan.count, harmless))] == []
