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

from tests.contract.listings import listings
from vvm.store.conditions import Listing
from vvm.store.sql import named_statements
from vvm.store.sqlite.lists import statement
from vvm.store.sqlite.schema import prepare

QUERIES = "vvm.store.sqlite.queries"
STATEMENTS = {
    f"{item.name.removesuffix('.sql')}.{name}": text
    for item in files(QUERIES).iterdir()
    if item.name.endswith(".sql")
    # The first three read everything; the last has parts of statements, whose sums are tested below.
    and item.name not in {"snapshot.sql", "check.sql", "copy.sql", "lists.sql"}
    for name, text in named_statements(QUERIES, item.name).items()
}
# These hold only what is owed (and the carriers that are owed anything), dead, pending, or waits for
# segments or its end, not what ever was; webhooks are few, a handover is one, and a sequence a table.
SMALL = (
    "outbox_next_by_carrier",
    "owed",
    "outbox_dead",
    "sqlite_sequence",
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


def test_who_missed_a_sync_is_looked_for_among_those_that_failed(database: sqlite3.Connection) -> None:
    """And not among all that were sent in the hours that are looked at."""
    text = STATEMENTS["outbox.missed"]
    plan = database.execute(f"EXPLAIN QUERY PLAN {text}", dict.fromkeys(re.findall(r":(\w+)", text)))
    assert next(plan)[3] == "SEARCH o USING INDEX outbox_missed (family=? AND settled_at>? AND settled_at<?)"


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


@pytest.mark.parametrize("listing", [pytest.param(found, id=name) for name, found in listings().items()])
def test_a_page_of_a_list_is_read_from_where_it_begins(
    database: sqlite3.Connection, listing: Listing
) -> None:
    """In the order of an index: nothing is sorted, but what the audit knows of one number."""
    plan = database.execute(f"EXPLAIN QUERY PLAN {statement(listing)}", listing.values).fetchall()
    lines = [row[3] for row in plan]
    unbounded = [line for line in lines if line.startswith("SCAN")]
    if listing.looked_up in {(), ("no_cos",)}:  # everything that an index holds, from its beginning
        assert all(" USING INDEX " in line for line in unbounded), unbounded
    else:
        assert unbounded == []
    if "msisdn" not in listing.looked_up:
        assert [line for line in lines if "TEMP B-TREE" in line] == []
