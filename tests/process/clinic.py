# SPDX-License-Identifier: Apache-2.0
"""A running service with one active subscriber, in which a test plants a fault, and the doctor."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.process.clients import Api, api_of
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.ports import free_port
from tests.process.program import Program, python_path
from vvm.simulator.doctor.finding import Report

PATIENT = PEOPLE[0]
_DOCTOR_SECONDS = 90.0

_CONFIG = """
[http]
listen = "127.0.0.1:{http}"
[imap]
listen = ["127.0.0.1:{imap}"]
listen_tls = ["127.0.0.1:{imap_tls}"]
[vvm]
imap_host = "localhost"
imap_port = {told_port}
service_number = "{service_number}"
[tls]
certificate = "{certificate}"
key = "{key}"
[notification]
debounce_seconds = 0
status_spacing_seconds = 0
[log]
format = "json"
[[sms.smsc]]
host = "127.0.0.1"
port = {smsc}
password = "secret"
reconnect_first_seconds = 0.1
"""


class Seen(msgspec.Struct, frozen=True):
    """What the doctor said, and its exit code."""

    code: int
    report: Report
    errors: str

    @property
    def faults(self) -> list[str]:
        return [finding.fault for finding in self.report.findings if finding.fault]


class Clinic:
    def __init__(self, directory: Path, handsets: Phones) -> None:
        self.directory = directory
        self.handsets = handsets
        self.ports: dict[str, int] = {name: free_port() for name in ("http", "imap", "imap_tls")}
        self.facts: dict[str, object] = {
            **self.ports,
            "told_port": self.ports["imap"],
            "service_number": "5511",
            "certificate": "",
            "key": "",
            "smsc": handsets.smsc.port,
        }
        self.program = Program(directory, smsc_port=handsets.smsc.port)
        self.smsc = AsyncExitStack()
        """Ends the SMSC when it is closed."""

    async def start(self, *, arguments: Sequence[str] = (), **facts: object) -> None:
        """Start, or start again with other facts in the configuration."""
        await self.program.end()
        self.facts |= facts
        self.program = Program(self.directory, smsc_port=self.handsets.smsc.port, arguments=arguments)
        (self.directory / "vvm.toml").write_text(_CONFIG.format(**self.facts))
        await self.program.start()

    async def bound(self) -> None:
        await self.handsets.until(lambda: self.handsets.smsc.bound == 1)

    @asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        async with api_of(self.program) as made:
            yield made

    async def doctor(self, *words: str, env: dict[str, str] | None = None) -> Seen:
        """``vvm doctor`` as a process of its own, beside the service."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vvm", "doctor", *words, "--json", "--config", "vvm.toml"),
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": python_path()} | (env or {}),
            stdout=PIPE,
            stderr=PIPE,
        )
        async with asyncio.timeout(_DOCTOR_SECONDS):
            out, err = await process.communicate()
        assert process.returncode in {0, 1}, err.decode()
        return Seen(process.returncode, msgspec.json.decode(out, type=Report), err.decode())

    async def record(self) -> Any:
        """What an operator is shown of the patient, and all of the mailbox."""
        async with self.api() as api:
            return await api.show(PATIENT), await api.messages(PATIENT)


@asynccontextmanager
async def clinic(directory: Path) -> AsyncIterator[Clinic]:
    """The patient is active and has one message."""
    async with AsyncExitStack() as smsc:
        made = Clinic(directory, await smsc.enter_async_context(phones()))
        made.smsc = smsc
        try:
            await made.start()
            async with made.api() as api:
                await api.add(PATIENT)
                await made.handsets.activate([PATIENT])
                await api.deposit_speech(PATIENT)
                await made.handsets.until(lambda: bool(made.handsets.synced[PATIENT]))
            yield made
        finally:
            await made.program.end()
