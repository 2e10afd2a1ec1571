# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own programs, run as children that end with this process and show no password."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO

import msgspec

from vvm.store.backup import BadBackup
from vvm.store.settings import PostgresSettings

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
"""Debian's, PGDG's for Red Hat, and those of the sources."""
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
NOTHING: Mapping[str, str] = MappingProxyType({})
_CHUNK = 1 << 20
_SAID = 4096
"""So much of a program's complaint is kept."""


class Programs(msgspec.Struct, frozen=True):
    folder: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.folder / name)

    @property
    def can_serve(self) -> bool:
        """They hold a server, and we may be the one who runs it: it refuses to be root."""
        return os.geteuid() != 0 and _hold(self.folder, "initdb", "postgres")


def _hold(folder: Path, *names: str) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in names)


def find_programs(settings: PostgresSettings, *, major: int) -> Programs:
    """The oldest that are no older than that, where a server's stand before those of clients alone.

    Raises BadBackup, which says what to install.
    """
    found = sorted(_installed(settings), key=lambda each: each.major)
    for each in found:
        if each.major >= major:
            return each
    there = ", ".join(f"{each.major} in {each.folder}" for each in found) or "none"
    raise BadBackup(
        f"PostgreSQL {major} needs pg_dump, pg_restore and psql of {major} or later, and there is {there}: "
        f"apt-get install postgresql-client-{major}, or say in store.postgres.programs where they are"
    )


def _installed(settings: PostgresSettings) -> Iterator[Programs]:
    for folder in _folders(settings):
        if _hold(folder, "pg_dump", "pg_restore", "psql"):
            said = subprocess.run(  # noqa: S603 - the operator's PATH
                [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False
            )
            if match := _VERSION.search(said.stdout):
                yield Programs(folder, int(match[1]))


def _folders(settings: PostgresSettings) -> Iterator[Path]:
    if settings.programs:
        yield Path(settings.programs)
        return
    for pattern in _PLACES:
        yield from Path("/").glob(pattern.removeprefix("/"))
    yield from (Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place)


def environment(settings: PostgresSettings) -> Mapping[str, str]:
    """What a program needs to be let in: everybody could see a password on its command line."""
    return {"PGPASSWORD": settings.password} if settings.password else {}


class Complaint(Exception):
    """A program failed; the text is its name and what it said first, without data."""


class Child:
    """A running program."""

    def __init__(self, name: str, process: Process, said: IO[bytes]) -> None:
        self.process = process
        self._name = name
        self._said = said

    async def ended_well(self) -> bool:
        return await self.process.wait() == 0

    def complaint(self) -> Complaint:
        """After its end.  One line: those behind it may quote rows."""
        self._said.seek(0)
        said = self._said.readline(_SAID).decode(errors="replace").strip()
        return Complaint(f"{self._name}: {said or f'ended with {self.process.returncode}'}")


@asynccontextmanager
async def started(
    command: Sequence[str], variables: Mapping[str, str], *, stdin: int = DEVNULL, stdout: int = DEVNULL
) -> AsyncIterator[Child]:
    """A child, which is killed when the block is left before its end."""
    # A backup that is killed must leave nobody behind who goes on to copy.
    tie = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
    with TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            *tie,
            *command,
            stdin=stdin,
            stdout=stdout,
            stderr=said,
            env={**os.environ, "LC_ALL": "C", "PGAPPNAME": "vvm backup", **variables},
        )
        try:
            yield Child(Path(command[0]).name, process, said)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def run(command: Sequence[str], variables: Mapping[str, str] = NOTHING) -> None:
    """Raises Complaint."""
    async with started(command, variables) as child:
        if not await child.ended_well():
            raise child.complaint()


async def pipe(
    source: Sequence[str], sink: Sequence[str], variables: Mapping[str, str], *, last: bytes
) -> None:
    """Run ``source | sink``, and ``last`` behind what the source wrote, when it ended well.

    When it did not, the sink is killed before it hears of an end.  Raises Complaint.
    """
    async with (
        started(source, variables, stdout=PIPE) as reader,
        started(sink, variables, stdin=PIPE) as writer,
    ):
        octets, text = reader.process.stdout, writer.process.stdin
        if octets is None or text is None:
            raise AssertionError("both were asked for")
        with suppress(BrokenPipeError, ConnectionResetError):  # the sink has ended, and says why
            while chunk := await octets.read(_CHUNK):
                text.write(chunk)
                await text.drain()
            if not await reader.ended_well():
                raise reader.complaint()
            text.write(last)
            await text.drain()
            text.close()
        if not await writer.ended_well():
            raise writer.complaint()
