# SPDX-License-Identifier: Apache-2.0
"""The program under systemd, which the test plays: sockets that outlive it, readiness, signs of life."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.process.phones import Phones
from tests.process.program import Program

pytestmark = pytest.mark.process

_SECONDS = 30.0
_BECOME = """
import fcntl, os, sys
names, given = sys.argv[1], [int(word) for word in sys.argv[2].split(",") if word]
spare = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in given]
for place, descriptor in enumerate(spare, start=3):
    os.dup2(descriptor, place, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": names}
os.execv(sys.argv[3], sys.argv[3:])
"""
"""What systemd does between fork and exec."""


class Manager:
    """systemd, as far as a service sees it."""

    def __init__(self, directory: Path) -> None:
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._ear.bind(str(directory / "notify"))
        self.address = str(directory / "notify")

    async def hears(self, wanted: str) -> None:
        """Until the service has said it."""
        async with asyncio.timeout(_SECONDS):
            readable = asyncio.Event()
            asyncio.get_running_loop().add_reader(self._ear, readable.set)
            try:
                while True:
                    readable.clear()
                    try:
                        if self._ear.recv(4096).decode() == wanted:
                            return
                    except BlockingIOError:
                        await readable.wait()
            finally:
                asyncio.get_running_loop().remove_reader(self._ear)

    def close(self) -> None:
        self._ear.close()


@contextmanager
def sockets(*names: str) -> Iterator[dict[str, socket.socket]]:
    """As socket units have them: they listen whether the service runs or not."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}


def within(units: dict[str, socket.socket]) -> tuple[str, ...]:
    given = ",".join(str(unit.fileno()) for unit in units.values())
    return (sys.executable, "-c", _BECOME, ":".join(units), given)


async def test_systemd_hears_of_each_step_and_clients_do_not_notice_a_restart(
    tmp_path: Path, handsets: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = Manager(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    with sockets("imap", "http") as units:
        inherits = [unit.fileno() for unit in units.values()]
        program = Program(tmp_path, smsc_port=handsets.smsc.port, within=within(units), inherits=inherits)
        ports = {name: unit.getsockname()[1] for name, unit in units.items()}
        try:
            await program.start()
            assert (program.http_port, program.imap_port) == (ports["http"], ports["imap"])
            await manager.hears("READY=1")
            await manager.hears("WATCHDOG=1")
            await manager.hears("WATCHDOG=1")
            program.terminate()
            await manager.hears("STOPPING=1")
            assert await program.ended() == 0
            async with asyncio.TaskGroup() as group, asyncio.timeout(_SECONDS):
                # Nobody is there; systemd's socket keeps them until somebody is.
                greeting = group.create_task(_greeting(ports["imap"]))
                alive = group.create_task(_alive(ports["http"]))
                await program.start()
            assert greeting.result().startswith(b"* OK ")
            assert alive.result() == 200
        finally:
            await program.end()
            manager.close()


async def test_a_socket_unit_of_an_unknown_name_stops_the_start(tmp_path: Path, handsets: Phones) -> None:
    with sockets("pop3") as units:
        inherits = [unit.fileno() for unit in units.values()]
        program = Program(tmp_path, smsc_port=handsets.smsc.port, within=within(units), inherits=inherits)
        with pytest.raises(AssertionError, match=r"FileDescriptorName=pop3.*imap, imap-tls, http"):
            await program.start()
        assert await program.ended() == 2


async def _greeting(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.readline()
    finally:
        writer.close()


async def _alive(port: int) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
        return answer.status
