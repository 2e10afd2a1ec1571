# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of the tests' own: Debian's binaries on a Unix socket, gone with the test run.

One server a run, started when the first test asks for it; a database a test, copied from a template.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from vvm.store.blobs.shelf import DatabaseShelf, MakeShelf
from vvm.store.postgres import PostgresStore, open_postgres
from vvm.store.postgres.schema import prepare
from vvm.store.settings import PostgresSettings

SETTINGS = PostgresSettings(connections=8, partitions=4)
_INSTALL = "PostgreSQL's server is missing: apt-get install -y postgresql"
_TEMPLATE = "vvm_template"
_SECONDS = 30.0
_numbers = count(1)


class Server:
    """A cluster in a scratch directory, and at most one postmaster on it."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            raise AssertionError(_INSTALL)
        self._programs = found[-1].parent
        # The name of a Unix socket is short, so this is not under pytest's directory.
        self.directory = Path(tempfile.mkdtemp(prefix="vvm-pg-"))
        self.data = self.directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        owner = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        become = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        # A test run that is killed takes its server along.
        self._words = ["setpriv", "--pdeathsig", "INT", *(become if os.getuid() == 0 else [])]
        self.run("initdb", "-D", str(self.data), "-U", "vvm", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def url(self, database: str) -> str:
        return f"postgresql://vvm@/{database}?host={self.directory}"

    def run(self, program: str, *words: str) -> None:
        """One of PostgreSQL's own, as the owner of the cluster."""
        command = [*self._words, str(self._programs / program), *words]
        subprocess.run(command, check=True, capture_output=True)

    def start(self, **more: str) -> None:
        """With these settings besides."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "off",  # what a test kills is a process, not the machine
            "full_page_writes": "off",
            "autovacuum": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "log_min_messages": "fatal",
        } | more
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._words, str(self._programs / "postgres"), "-D", str(self.data), *settings],
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """The postmaster writes it into its own file, a line that is rewritten as it starts."""
        assert self._process is not None
        deadline = time.monotonic() + _SECONDS
        state = self.data / "postmaster.pid"
        while time.monotonic() < deadline:
            lines = state.read_text().splitlines() if state.exists() else []
            if len(lines) > 7 and lines[7].strip() == "ready" and int(lines[0]) == self._process.pid:
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"PostgreSQL did not start:\n{(self.directory / 'log').read_text()}")

    @property
    def pid(self) -> int:
        """Of the postmaster; every session is a child of it."""
        assert self._process is not None
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends sessions and shuts down; SIGQUIT is a crash of the server."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_SECONDS)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)


@cache
def server() -> Server:
    """The one of this run."""
    made = Server()
    made.start()
    atexit.register(made.remove)
    return made


async def administer(statement: str) -> None:
    connection: Any = await asyncpg.connect(server().url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@cache
def _made() -> set[str]:
    """Databases that are there."""
    return set()


async def make(name: str) -> str:
    """The URL of a database with our schema; an empty one when it is new."""
    if _TEMPLATE not in _made():
        await administer(f"CREATE DATABASE {_TEMPLATE}")
        await prepare(server().url(_TEMPLATE), SETTINGS)
        _made().add(_TEMPLATE)
    if name not in _made():
        await administer(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        _made().add(name)
    return server().url(name)


async def drop(name: str) -> None:
    await administer(f"DROP DATABASE {name} WITH (FORCE)")
    _made().remove(name)


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """The URL of an empty database with our schema, which goes in the end."""
    name = f"vvm_{next(_numbers)}"
    url = await make(name)
    try:
        yield url
    finally:
        await drop(name)


@asynccontextmanager
async def new_store(shelf: MakeShelf = DatabaseShelf) -> AsyncIterator[PostgresStore]:
    """An empty store, which goes in the end."""
    async with database() as url, open_postgres(url, SETTINGS, shelf=shelf) as store:
        yield store
