# SPDX-License-Identifier: Apache-2.0
"""What systemd gives to a service and wants to hear of it: sockets, readiness, signs of life.

sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3); each is a few lines, so no library is asked.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping
from datetime import timedelta
from enum import StrEnum

import structlog

from vvm.domain.errors import BadStart

log = structlog.get_logger(__name__)

_FIRST_DESCRIPTOR = 3


class Socket(StrEnum):
    """FileDescriptorName= of a socket unit: whose listeners it takes the place of."""

    IMAP = "imap"
    IMAP_TLS = "imap-tls"
    HTTP = "http"


class BadSocket(BadStart):
    """The socket units do not fit; the text says what would."""

    code = "bad_socket"


class Systemd:
    """Of a process that was started otherwise it knows no socket, and nobody hears it."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """Takes what was meant for this process out of the environment: no child takes it for its own.

        Raises BadSocket.
        """
        self.sockets = _listening(environ)
        self._address = environ.pop("NOTIFY_SOCKET", "")
        self.watchdog = _watchdog(environ)
        """How often systemd wants a sign of life at least; None: not at all."""

    def taken(self, name: Socket) -> list[socket.socket]:
        return self.sockets.get(name, [])

    def only(self, name: Socket) -> socket.socket | None:
        """Raises BadSocket where there are several."""
        found = self.taken(name)
        if len(found) > 1:
            raise BadSocket(f"{len(found)} sockets named {name}: one at most")
        return found[0] if found else None

    def tell(self, state: str) -> None:
        """One assignment, as READY=1.  Nobody waits for an answer, and none is missed."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.setblocking(False)  # noqa: FBT003 - the standard library's signature
                speaker.sendto(state.encode(), address)
        except OSError as error:
            log.warning("systemd_not_told", state=state, error=error.strerror)

    async def live(self) -> None:
        """Give signs of life for ever: the event loop turns.  Without its store it lives, too."""
        if self.watchdog is None:
            await asyncio.Event().wait()
            return
        while True:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog.total_seconds() / 2)


def _listening(environ: MutableMapping[str, str]) -> dict[str, list[socket.socket]]:
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    names = environ.pop("LISTEN_FDNAMES", "")
    found: dict[str, list[socket.socket]] = {}
    if not count.isdigit() or pid != str(os.getpid()):
        return found
    for number, name in enumerate(names.split(":")[: int(count)]):
        if name not in set(Socket):
            known = ", ".join(Socket)
            raise BadSocket(f"FileDescriptorName={name} of a socket unit: one of {known}")
        taken = socket.socket(fileno=_FIRST_DESCRIPTOR + number)
        taken.set_inheritable(False)
        if taken.type != socket.SOCK_STREAM or not taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise BadSocket(f"the socket unit {name}: ListenStream= and Accept=no")
        found.setdefault(name, []).append(taken)
    return found


def _watchdog(environ: MutableMapping[str, str]) -> timedelta | None:
    pid, microseconds = environ.pop("WATCHDOG_PID", ""), environ.pop("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or pid not in {"", str(os.getpid())}:
        return None
    return timedelta(microseconds=int(microseconds))


NO_SYSTEMD = Systemd({})
