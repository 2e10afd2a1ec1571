# SPDX-License-Identifier: Apache-2.0
"""The load generator: sync sessions over TLS in a process of its own, as cheap as Python allows.

    python -m tests.bench.imap_load PORT CERTIFICATE AT_ONCE SESSIONS < accounts

``accounts`` has a line ``user password`` for each mailbox.  Prints the seconds that it took.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

STEPS = (
    "CAPABILITY",
    "LOGIN {user} {password}",
    "SELECT INBOX",
    "UID FETCH 1:* (FLAGS)",
    "UID FETCH 7 (BODY.PEEK[])",
    "UID STORE 7 +FLAGS (\\Seen)",
    "LOGOUT",
)
"""W1 of performance.md: log in, list the flags of 20 messages, fetch one of 30 KB, mark it, leave."""


class Session(asyncio.Protocol):
    """Sends a step when the tagged answer to the one before has come."""

    def __init__(self, user: str, password: str, done: asyncio.Future[None]) -> None:
        self._steps = enumerate(step.format(user=user, password=password) for step in STEPS)
        self._done = done
        self._tag = b"* OK"
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-200:]
        if not self._tail.endswith(b"\r\n"):
            return
        last = self._tail[:-2].rpartition(b"\r\n")[2]
        if not last.startswith(self._tag):
            return
        if self._tag.startswith(b"a") and b" OK" not in last[:8]:
            self._done.set_exception(RuntimeError(last.decode()))
            self._transport.close()
            return
        number, step = next(self._steps, (None, ""))
        if number is not None:
            self._tag, self._tail = b"a%d " % number, b""
            self._transport.write(b"%b%b\r\n" % (self._tag, step.encode()))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def worker(port: int, tls: ssl.SSLContext, accounts: Iterator[list[str]], count: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(count):
        user, password = next(accounts)
        done = loop.create_future()
        await loop.create_connection(
            lambda u=user, p=password, d=done: Session(u, p, d),  # type: ignore[misc]
            "127.0.0.1",
            port,
            ssl=tls,
            server_hostname="localhost",
        )
        await done


async def main() -> None:
    port, certificate, at_once, sessions = sys.argv[1:]
    accounts = itertools.cycle([line.split() for line in sys.stdin.read().splitlines()])
    tls = ssl.create_default_context(cafile=certificate)
    each = int(sessions) // int(at_once)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(int(at_once)):
            group.create_task(worker(int(port), tls, accounts, each))
    print(time.perf_counter() - started)


if __name__ == "__main__":
    uvloop.run(main())
