# SPDX-License-Identifier: Apache-2.0
"""``python -m vvm serve`` as a process that a test starts, kills and starts again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_LOG_SECONDS = 30.0

LEASE_SECONDS = 240
"""Longer than any test waits: what a killed process had in its hands its next life must take back."""

_CONFIG = """
[http]
listen = "127.0.0.1:0"
[imap]
listen = ["127.0.0.1:0"]
listen_tls = ["127.0.0.1:0"]
[vvm]
imap_host = "localhost"
imap_port = 143
max_messages = 2000
[notification]
lease_seconds = {lease_seconds}
debounce_seconds = 0
status_spacing_seconds = 0
[log]
format = "json"
[[sms.smsc]]
host = "127.0.0.1"
port = {smsc_port}
password = "secret"
window = 20
rate = 5000.0
response_seconds = 1.0
hold_limit_seconds = 0.5
throttle_pause_seconds = 0.1
unknown_seconds = 0.5
reconnect_first_seconds = 0.1
"""


def python_path() -> str:
    """Where a process finds us, behind what the test has put there."""
    return os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(Path(__file__).parents[2]))))


Line = Mapping[str, Any]
"""A line of the log: its ``event``, and fields."""


class Program:
    """One data directory, and at most one process on it.

    Every port is chosen by the system and read from the log, so each start has new ones.
    """

    def __init__(
        self,
        directory: Path,
        *,
        smsc_port: int = 0,
        more: str = "",
        arguments: Sequence[str] = (),
        within: Sequence[str] = (),
        inherits: Sequence[int] = (),
        base: str = _CONFIG,
    ) -> None:
        """``more`` is appended to the configuration ``base``, ``arguments`` to the command line.

        ``within`` are words before the command line, of a program that becomes it in the end.
        ``inherits`` are descriptors that it finds open.
        """
        self.directory = directory
        self._arguments = arguments
        self._within = within
        self._inherits = inherits
        self.http_port = 0
        self.imap_port = 0
        """STARTTLS."""
        self.imap_tls_port = 0
        """TLS from the first octet."""
        self._config = directory / "vvm.toml"
        self._always = base.format(smsc_port=smsc_port, lease_seconds=LEASE_SECONDS)
        self.configure(more)
        self._log = directory / "vvm.log"
        self._lines: list[Line] = []
        self._news = asyncio.Event()
        self.up = asyncio.Event()
        """Set while the program works, as far as the test knows."""
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None

    def configure(self, more: str) -> None:
        """From the next start on, with this after what every program of the tests has."""
        self._config.write_text(self._always + more)

    @property
    def token(self) -> str:
        """Bearer token of the HTTP API; the first start makes it."""
        return (self.directory / "var" / "admin.token").read_text().strip()

    @property
    def certificate(self) -> Path:
        return self.directory / "var" / "tls.crt"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Of the process that was started, not of its children."""
        assert self._process is not None
        return self._process.pid

    def memory_bytes(self) -> int:
        """What the process itself holds (RSS), without its transcoders."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def logged(self, event: str, **fields: object) -> list[Line]:
        """The lines of this event with these fields that the log has so far, of every start."""
        wanted = {"event": event} | fields
        return [line for line in self._lines if wanted.items() <= line.items()]

    def last_line(self) -> Line:
        """What it said last."""
        return self._lines[-1]

    async def until_logged(self, event: str, *, count: int = 1, **fields: object) -> None:
        """Wait for so many of such lines."""
        async with asyncio.timeout(_LOG_SECONDS):
            while len(self.logged(event, **fields)) < count:
                self._news.clear()
                await self._news.wait()

    def peak_memory_bytes(self) -> int:
        """The most that the process itself ever held (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def descriptors(self) -> int:
        """How many files and sockets the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    async def start(self) -> None:
        """Return when every part of the program says that it works."""
        self._process = await asyncio.create_subprocess_exec(
            *(*self._within, sys.executable),
            "-m",
            "vvm",
            "serve",
            "--config",
            str(self._config),
            *self._arguments,
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": python_path()},
            stderr=PIPE,
            pass_fds=self._inherits,
        )
        self._reading = None
        async with asyncio.timeout(_START_SECONDS):
            await self._started(self._process)
        self.up.set()
        self._reading = asyncio.create_task(self._drain(self._process))

    def kill(self) -> None:
        """``kill -9``, now; once is enough."""
        assert self._process is not None
        self.up.clear()
        if self._process.returncode is None:
            self._process.kill()

    async def kill_and_restart(self) -> None:
        self.kill()
        await self.ended()
        await self.start()

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end of a process that was killed or told to stop; its exit code."""
        assert self._process is not None
        async with asyncio.timeout(_STOP_SECONDS):
            code = await self._process.wait()
            await (self._reading or self._drain(self._process))
        return code

    async def end(self) -> None:
        """Leave no process behind, whatever became of it."""
        if self._process is not None:
            self.kill()
            await self.ended()

    def terminate(self) -> None:
        """Ask for an orderly end."""
        assert self._process is not None
        self.up.clear()
        self._process.send_signal(signal.SIGTERM)

    async def _started(self, process: Process) -> None:
        while octets := await self._line(process):
            if not octets.startswith(b"{"):
                continue
            line = self._lines[-1]
            if line.get("event") == "http_listening":
                self.http_port = line["port"]
            elif line.get("event") == "imap_listening":
                self.imap_port, self.imap_tls_port = line["ports"]
            elif line.get("event") == "started":
                return
        raise AssertionError(f"the program ended at its start:\n{self._log.read_text()}")

    async def _drain(self, process: Process) -> None:
        while await self._line(process):
            pass

    async def _line(self, process: Process) -> bytes:
        """The next line of the log, kept for whoever looks into a failure; empty at its end."""
        assert process.stderr is not None
        line = await process.stderr.readline()
        with self._log.open("ab") as log:
            log.write(line)
        if line.startswith(b"{"):  # else Python itself speaks, of an import that failed, say
            self._lines.append(msgspec.json.decode(line))
            self._news.set()
        return line


@asynccontextmanager
async def running(
    directory: Path, *, smsc_port: int, more: str = "", arguments: Sequence[str] = ()
) -> AsyncIterator[Program]:
    """Start a program; kill whatever process it has in the end."""
    program = Program(directory, smsc_port=smsc_port, more=more, arguments=arguments)
    try:
        await program.start()
        yield program
    finally:
        await program.end()
