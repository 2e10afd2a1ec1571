# SPDX-License-Identifier: Apache-2.0
"""A real Kannel as processes that a test can watch: bearerbox, smsbox and Kannel's own fake handsets.

Numbers that start with +1555 are handsets of ``handset()``; all others are reached by SMPP, at an
SMSC that the test runs.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import socket
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote_to_bytes

SECONDS = 20.0
"""How long Kannel may take for anything; only a broken one takes so long."""
FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
USERNAME, PASSWORD = "vvm", "secret"
HANDSET = "+15551230001"
_NEVER_EPHEMERAL = (20_000, 32_000)
_DRAWS = 10

_CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = adm
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
store-type = spool
store-location = "{folder}/spool"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = FAKE
port = {fake}
connect-allow-ip = 127.0.0.1
allowed-prefix = "+1555"

group = smsc
smsc = smpp
smsc-id = SMPP
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = {username}
smsc-password = {password}
system-type = ""
denied-prefix = "+1555"
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
http-request-retry = 20
http-queue-delay = 1

group = sendsms-user
username = {username}
password = {password}
max-messages = 5
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "{callbacks}/mo?token={token}&from=%p&to=%P&coding=%c&udh=%u&bin=%b&id=%I"
"""


class Missing(Exception):
    """Kannel is not there; the message says how to get it."""


class Lines:
    """What a process writes; ``wait_for`` waits for more."""

    def __init__(self, name: str, process: Process) -> None:
        self._name = name
        self._process = process
        self._news = asyncio.Event()
        self._ended = False
        self.lines: list[str] = []

    async def read(self) -> None:
        """Take the lines until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode("latin-1").rstrip())
            self._news.set()
        self._ended = True
        self._news.set()

    async def wait_for(self, pattern: str, *, count: int = 1) -> list[re.Match[str]]:
        """The first ``count`` matches, past or to come.

        Raises TimeoutError, or ProcessLookupError when the process ends before.
        """
        async with asyncio.timeout(SECONDS):
            while True:
                found = [match for line in self.lines if (match := re.search(pattern, line))]
                if len(found) >= count:
                    return found[:count]
                if self._ended:
                    raise ProcessLookupError(f"{self._name} ended: {self.lines[-3:]}")
                self._news.clear()
                await self._news.wait()


class Handset(Lines):
    """Kannel's fake SMSC client, which prints what a handset would get."""

    async def received(self, count: int = 1) -> list[tuple[bytes, bytes]]:
        """User data header and octets of the first SMS."""
        found = await self.wait_for(r"Got message \d+: <(\S+) (\S+) (.*)>", count=count)
        return [_payload(match[3]) for match in found]


T = TypeVar("T", bound=Lines)


class Kannel:
    """A running one; made by ``running``."""

    def __init__(self, *, sendsms: int, fake: int) -> None:
        self.url = f"http://127.0.0.1:{sendsms}/cgi-bin/sendsms"
        self._fake = fake

    @asynccontextmanager
    async def handset(self, *sends: str) -> AsyncIterator[Handset]:
        """Handsets that send these, one alone once: "text STATUS", "udh-data %06... Activate%3A..."."""
        messages = [f"{HANDSET} 5511 {message}" for message in sends]
        # Of several it chooses one by chance each time, so that all of them were sent after some more.
        count = len(sends) if len(sends) <= 1 else _DRAWS * len(sends)
        command = [FAKESMSC, "-H", "127.0.0.1", "-r", str(self._fake), "-i", "0.1", "-m", str(count)]
        # It wants a message even where it sends none.
        async with _running(Handset, [*command, *(messages or ["none"])]) as handset:
            yield handset


def installed() -> None:
    """Raises Missing."""
    if not (shutil.which("bearerbox") and shutil.which("smsbox") and Path(FAKESMSC).exists()):
        raise Missing("Kannel is missing: apt-get install -y --no-install-recommends kannel kannel-extras")


def free_port() -> int:
    """A TCP port that nobody has at this moment, and that the system gives to no client meanwhile."""
    while True:
        port = random.randrange(*_NEVER_EPHEMERAL)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def running(folder: Path, *, callbacks: str, token: str, smpp_port: int) -> AsyncIterator[Kannel]:
    """Start bearerbox and smsbox, which reports to the URL ``callbacks``; stop both at the end."""
    ports = {name: free_port() for name in ("admin", "smsbox", "fake", "sendsms")}
    (folder / "spool").mkdir()
    configuration = folder / "kannel.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            **ports,
            folder=folder,
            smpp=smpp_port,
            callbacks=callbacks,
            token=token,
            username=USERNAME,
            password=PASSWORD,
        )
    )
    async with AsyncExitStack() as stack:
        bearerbox = await stack.enter_async_context(_running(Lines, ["bearerbox", str(configuration)]))
        await bearerbox.wait_for("entering mainloop")
        smsbox = await stack.enter_async_context(_running(Lines, ["smsbox", str(configuration)]))
        # Not before its heartbeat runs: smsbox 1.4.5 takes requests earlier, and they end it.
        await smsbox.wait_for("Started thread .*heartbeat")
        yield Kannel(sendsms=ports["sendsms"], fake=ports["fake"])


@asynccontextmanager
async def _running(kind: type[T], command: Sequence[str]) -> AsyncIterator[T]:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    lines = kind(command[0], process)
    reading = asyncio.create_task(lines.read())
    try:
        yield lines
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await reading


def _payload(printed: str) -> tuple[bytes, bytes]:
    """What fakesmsc prints behind the numbers: "text TEXT", "data OCTETS", "udh OCTETS data OCTETS"."""
    match printed.split(" ", 3):
        case ["udh", header, "data", octets]:
            return unquote_to_bytes(header), unquote_to_bytes(octets.replace("+", " "))
        case [_, *rest]:
            return b"", unquote_to_bytes(" ".join(rest).replace("+", " "))
    raise AssertionError(f"fakesmsc prints something new: {printed}")
