# SPDX-License-Identifier: Apache-2.0
"""Brings a database's schema up to date, and refuses one that is too new."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Any

from vvm.domain.errors import Outage
from vvm.store.migration import steps
from vvm.store.postgres.engine import connect, outage
from vvm.store.settings import PostgresSettings

VERSION = 3
"""The schema that this release writes."""
COMPATIBLE = 3
"""The oldest release, by its VERSION, that can work with a database of this schema."""

_LOCK = 0x76766D
"""Of one who migrates, among all who start at the same time: "vvm"."""
_FIRST = """
CREATE TABLE IF NOT EXISTS schema_version (
    version    integer NOT NULL,  -- the last step that ran
    compatible integer NOT NULL,  -- the oldest release, by its own version, that may use this database
    partitions integer NOT NULL,
    functions  text    NOT NULL   -- which text of functions/ is installed
)
"""


async def prepare(url: str, settings: PostgresSettings) -> None:
    """Run the missing steps and install the functions, in one transaction.

    Raises Outage when the database cannot be reached, or was made by a release that this one is too old for.
    """
    try:
        connection = await connect(url, settings)
    except (OSError, TimeoutError, ValueError) as error:
        raise outage(error) from error
    except Exception as error:
        if getattr(error, "sqlstate", None) is None:
            raise
        raise outage(error) from error
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await _migrate(connection, settings)
    finally:
        await connection.close()


async def _migrate(connection: Any, settings: PostgresSettings) -> None:
    await connection.execute(_FIRST)
    found = await connection.fetchrow("SELECT version, compatible, functions FROM schema_version")
    if found is None:
        await connection.execute("INSERT INTO schema_version VALUES (0, 0, $1, '')", settings.partitions)
        found = (0, 0, "")
    version, compatible, installed = found
    if compatible > VERSION:
        raise Outage(f"the database needs schema {compatible}, this release knows {VERSION}: upgrade it")
    for _, text in steps("vvm.store.postgres.migrations", after=version):
        await connection.execute(text)
    functions = _functions()
    digest = hashlib.sha256(functions.encode()).hexdigest()
    if version <= VERSION and installed != digest:  # a newer release has installed its own
        await connection.execute(functions)
        await connection.execute("UPDATE schema_version SET functions = $1", digest)
    await connection.execute(
        "UPDATE schema_version SET version = greatest(version, $1), compatible = greatest(compatible, $2)",
        VERSION,
        COMPATIBLE,
    )


def _functions() -> str:
    folder = files("vvm.store.postgres.functions")
    found = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name
    )
    # A function of SQL is read when it is made, and those it calls may stand behind it.
    texts = [item.read_text(encoding="utf-8") for item in found]
    return "\n".join(["SET LOCAL check_function_bodies = off;", *texts])
