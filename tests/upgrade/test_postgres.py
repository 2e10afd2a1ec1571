# SPDX-License-Identifier: Apache-2.0
"""A database of every schema there ever was is used by today's program, beside the release that made it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from tests import postgres
from tests.contract.samples import new_message
from tests.upgrade.life import assert_everything_is_there_and_goes_on
from vvm.store.postgres import open_postgres, schema
from vvm.store.postgres.schema import _FIRST, COMPATIBLE, VERSION, prepare
from vvm.store.rows import layout_octets

pytestmark = pytest.mark.peers
# In columns of the first schema, as in record.py: it went through every step.
_LIFE = """
INSERT INTO directory (name, kind, id)
VALUES ('+33612345678', 'msisdn', 5), ('33612345678@vvm.example.net', 'imap_user', 5);
INSERT INTO mailbox (id, status, msisdn) VALUES (7, 'R', '+33612345678');
INSERT INTO subscriber (id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at)
VALUES (5, 7, '+33612345678', 'R', '{"port": 5500}', 'fra', true, 100, '33612345678@vvm.example.net',
        '\\x01', '\\x02', 1000000, 2000000);
INSERT INTO folder (mailbox_id, id, name, uid_validity, uid_next, highest_modseq, messages, unseen, octets,
                    max_messages)
VALUES (7, 1, 'INBOX', 4711, 6, 9, 2, 1, 26, 100), (7, 2, 'Greetings', 4711, 1, 1, 0, 0, 0, 20);
INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                     seconds, size, content_id)
VALUES (7, 1, 3, 4, 1, 'voice', '+33698765432', 0, 0, 7, 13, 1),
       (7, 1, 5, 9, 0, 'voice', NULL, 0, 3600, 8, 13, 2);
INSERT INTO journal (mailbox_id, folder_id, modseq, uid, change)
VALUES (7, 1, 4, 3, 'deposited'), (7, 1, 8, 4, 'expunged'), (7, 1, 9, 5, 'deposited');
INSERT INTO deposit_key (mailbox_id, key, uid) VALUES (7, 'k3', 3);
INSERT INTO outbox (recipient, subscriber_id, family, cause, uid, return_code, owed_at, due_at, expires_at)
VALUES ('+33612345678', 5, 'sync', 'new_message', 5, 0, 3000000, 3000000, 9000000000000000);
INSERT INTO inbound (key, originator, destination, text, received_at)
VALUES ('i1', '+33612345678', '5511', 'STATUS', 3000000);
SELECT setval('subscriber_ids', 5), setval('mailbox_ids', 7), setval('content_ids', 2);
"""
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
 WHERE table_schema = 'public'
UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
 ORDER BY 1, 2
"""


@pytest.fixture(params=range(1, VERSION))
async def old(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of a database with the schema of an older release."""
    name = f"old_{request.param}"
    await postgres.administer(f"CREATE DATABASE {name}")
    url = postgres.server().url(name)
    connection: Any = await asyncpg.connect(url)
    await connection.execute(_FIRST)
    await connection.execute("INSERT INTO schema_version VALUES (0, 0, 4, '')")
    for number in range(1, request.param + 1):
        step = files("vvm.store.postgres.migrations").joinpath(f"{number:04}.pre.sql")
        await connection.execute(step.read_text(encoding="utf-8"))
        if number == 1:
            await connection.execute(_LIFE)
            for content in (1, 2):
                row = (7, content, layout_octets(new_message().layout), b"octets of %3d" % content)
                await connection.execute(
                    "INSERT INTO content (mailbox_id, id, layout, octets) VALUES ($1, $2, $3, $4)", *row
                )
    await connection.execute("UPDATE schema_version SET version = $1, compatible = 1", request.param)
    await connection.close()
    yield url
    await postgres.administer(f"DROP DATABASE {name} WITH (FORCE)")


async def look(url: str, statement: str) -> Sequence[Sequence[object]]:
    connection: Any = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_an_upgraded_database_is_like_a_new_one(old: str) -> None:
    await prepare(old, postgres.SETTINGS, finish=True)
    async with postgres.database() as new:
        assert [row[:3] for row in await look(old, _COLUMNS)] == [
            row[:3] for row in await look(new, _COLUMNS)
        ]


async def test_everything_is_readable_and_goes_on(old: str) -> None:
    async with open_postgres(old, postgres.SETTINGS) as store:
        await assert_everything_is_there_and_goes_on(store)


async def test_older_releases_are_shut_out_when_the_operator_says_so(old: str) -> None:
    beside = await prepare(old, postgres.SETTINGS)
    assert (beside.version, beside.compatible) == (VERSION, COMPATIBLE)
    assert await prepare(old, postgres.SETTINGS) == beside
    alone = await prepare(old, postgres.SETTINGS, finish=True)
    assert (alone.version, alone.compatible, alone.post) == (VERSION, VERSION, VERSION)
    assert await prepare(old, postgres.SETTINGS) == alone


async def test_a_release_that_is_too_old_does_not_start_then(old: str) -> None:
    await prepare(old, postgres.SETTINGS, finish=True)
    assert await look(old, "SELECT compatible FROM schema_version") == [(VERSION,)]


async def test_a_node_of_an_older_schema_leaves_the_functions_of_a_newer_one_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with postgres.database() as url:
        installed = await look(url, "SELECT functions FROM schema_version")
        monkeypatch.setattr(schema, "VERSION", VERSION - 1)
        monkeypatch.setattr(schema, "_functions", lambda: "DROP FUNCTION keyword_text; DROP FUNCTION owe")
        await look(url, f"UPDATE schema_version SET compatible = {COMPATIBLE}")  # a new one is
        await prepare(url, postgres.SETTINGS)
        assert await look(url, "SELECT functions FROM schema_version") == installed
