# SPDX-License-Identifier: Apache-2.0
"""Hints between the processes of one machine, by datagrams on Unix sockets in one directory.

Each process that listens has a socket there; who says something sends it to all of them.  The kernel
keeps a few datagrams (net.unix.max_dgram_qlen) for a process that is busy; what it has no room for is
tried again for a moment and then lost, as hints may be.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import structlog

from vvm.domain.errors import Outage

log = structlog.get_logger(__name__)

_SUFFIX = ".hints"
_MOST = 65_536
"""Octets of one datagram; SharedHints says much less at a time."""
_TRIES = 10
_AGAIN_SECONDS = 0.005
_LOOK_SECONDS = 1.0
"""How often a process looks whether its socket is still where others find it."""
_AT_A_TIME = 100
"""Datagrams that are heard before others have their turn on the event loop."""


class SocketBus:
    """vvm.store.hints.shared.Bus.  ``directory`` is made; whoever may write to it may say hints."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"

    async def say(self, text: str) -> None:
        octets = text.encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.setblocking(False)  # noqa: FBT003 - the standard library's signature
            waiting = self._others()
            for left in reversed(range(_TRIES)):
                waiting = [other for other in waiting if not _sent(speaker, octets, other)]
                if not waiting:
                    return
                if left:
                    await asyncio.sleep(_AGAIN_SECONDS)
        log.warning("hints_not_taken", processes=len(waiting))

    async def listen(self, hear: Callable[[str], None], ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        path = self._directory / self._name
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.setblocking(False)  # noqa: FBT003 - the standard library's signature
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                ear.bind(str(path))
            except OSError as error:
                raise Outage(f"{path}: {error.strerror or error}") from error
            loop.add_reader(ear, _take, ear, hear)
            try:
                ready()
                while path.exists():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_SECONDS)
                raise Outage(f"{path}: somebody has deleted it")
            finally:
                loop.remove_reader(ear)
                with suppress(OSError):
                    path.unlink()

    async def close(self) -> None: ...

    def _others(self) -> list[str]:
        try:
            found = [entry.path for entry in os.scandir(self._directory) if entry.name.endswith(_SUFFIX)]
        except FileNotFoundError:  # nobody has ever listened
            return []
        except OSError as error:
            raise Outage(f"{self._directory}: {error.strerror or error}") from error
        return [path for path in found if not path.endswith(f"/{self._name}")]


def _sent(speaker: socket.socket, octets: bytes, path: str) -> bool:
    """False when the other has no room at this moment."""
    try:
        speaker.sendto(octets, path)
    except BlockingIOError:
        return False
    except ConnectionRefusedError:  # its process was killed; nobody gets this name again
        with suppress(OSError):
            Path(path).unlink()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):  # it has just ended
            log.warning("hints_not_taken", path=path, error=error.strerror)
    return True


def _take(ear: socket.socket, hear: Callable[[str], None]) -> None:
    for text in _heard(ear):
        hear(text)


def _heard(ear: socket.socket) -> Iterable[str]:
    for _ in range(_AT_A_TIME):
        try:
            yield ear.recv(_MOST).decode("ascii", "replace")
        except (BlockingIOError, InterruptedError):
            return
