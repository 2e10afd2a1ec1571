# SPDX-License-Identifier: Apache-2.0
"""An empty database that goes in the end: of a server of its own, or on the server of the store."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg
import msgspec

from vvm.store.backup import BadBackup
from vvm.store.postgres.engine import OUTAGES, connect, outage
from vvm.store.postgres.programs import Child, Complaint, Programs, run, started
from vvm.store.settings import PostgresSettings

NAME = "vvm_verify"
"""One at a time, so that one that was killed leaves no more than that behind."""
_OPTIONS = {
    "listen_addresses": "",
    # It need not outlive anything.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_wal_size": "4GB",
}
_START_SECONDS = 60.0
_TRY_SECONDS = 0.05


@asynccontextmanager
async def scratch_database(
    url: str, settings: PostgresSettings, programs: Programs, *, namespace: str
) -> AsyncIterator[tuple[str, PostgresSettings]]:
    """Where it is, with that schema in it.  Raises BadBackup when there may be none, Outage."""
    if programs.can_serve:
        async with _own_server(programs) as place:
            # Nobody asks for a password there.
            own = msgspec.structs.replace(settings, password="")
            await _prepare(place, own, namespace)
            yield place, own
    else:
        async with _on_server(url, settings) as place:
            await _prepare(place, settings, namespace)
            yield place, settings


def quoted(name: str) -> str:
    """As SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


async def _prepare(place: str, settings: PostgresSettings, namespace: str) -> None:
    database = await connect(place, settings)
    try:
        await database.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(namespace)}")
        name = await database.fetchval("SELECT current_database()")
        await database.execute(f"ALTER DATABASE {quoted(name)} SET search_path = {quoted(namespace)}")
    finally:
        await database.close()


@asynccontextmanager
async def _own_server(programs: Programs) -> AsyncIterator[str]:
    with TemporaryDirectory(prefix="vvm-verify-") as folder:
        data = str(Path(folder, "data"))
        try:
            # The directory is closed to everybody else, and the socket lies in it.
            words = ("-U", "vvm", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
            await run([programs.path("initdb"), "-D", data, *words])
        except Complaint as complaint:
            raise BadBackup(f"there is no scratch server: {complaint}") from None
        options = _OPTIONS | {"unix_socket_directories": folder}
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        place = f"postgresql://vvm@/postgres?host={quote(folder, safe='/')}"
        async with started([programs.path("postgres"), "-D", data, *settings], {}) as server:
            try:
                await _answering(place, server)
                yield place
            finally:
                # Killed, it would leave its shared memory behind.
                if server.process.returncode is None:
                    server.process.send_signal(signal.SIGINT)
                    await server.process.wait()


async def _answering(place: str, server: Child) -> None:
    """Raises BadBackup when the server ends, or takes too long."""
    try:
        async with asyncio.timeout(_START_SECONDS):
            while server.process.returncode is None:
                try:
                    await (await connect(place, PostgresSettings())).close()
                except OUTAGES:
                    await asyncio.sleep(_TRY_SECONDS)
                else:
                    return
    except TimeoutError:
        raise BadBackup(f"the scratch server does not answer after {_START_SECONDS:.0f} s") from None
    raise BadBackup(f"there is no scratch server: {server.complaint()}")


@asynccontextmanager
async def _on_server(url: str, settings: PostgresSettings) -> AsyncIterator[str]:
    place = _beside(url)
    try:
        server = await connect(url, settings)
    except (*OUTAGES, ValueError) as error:
        raise outage(error) from error
    try:
        await _create(server)
        guard = await connect(place, settings)  # so that nobody else takes it for one that was left behind
        try:
            yield place
        finally:
            await guard.close()
            await server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    except OUTAGES as error:
        raise outage(error) from error
    finally:
        await server.close()


async def _create(server: Any) -> None:
    try:
        await server.execute(f"DROP DATABASE IF EXISTS {NAME}")
        await server.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
    except asyncpg.ObjectInUseError:
        raise BadBackup(f"somebody else verifies a backup: the database {NAME} is in use") from None
    except asyncpg.InsufficientPrivilegeError:
        raise BadBackup(
            "verify needs a place: the programs of a PostgreSQL server here (apt-get install postgresql) and "
            "another user than root, or a role that may create databases (ALTER ROLE vvm CREATEDB)"
        ) from None


def _beside(url: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"database", "dbname"}]
    return urlunsplit(parts._replace(path=f"/{NAME}", query=urlencode(query, safe="/")))
