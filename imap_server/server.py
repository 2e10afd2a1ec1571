# SPDX-License-Identifier: Apache-2.0
"""The server: listeners, the count of connections, the sweep of their deadlines, and a graceful end."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from imap_server.backend import Backend
from imap_server.commands import STANDARD, capabilities
from imap_server.connection import Connection, Shared
from imap_server.dispatch import Command, table
from imap_server.metrics import Limit, Metrics, NoMetrics
from imap_server.settings import ImapSettings

log = structlog.get_logger(__name__)

_BACKLOG = 1024
"""Connections that the kernel keeps for us; a burst of SYNCs brings many handsets at once."""


class Listener(msgspec.Struct, frozen=True):
    """Where to listen; port 0 lets the system choose.

    ``implicit_tls`` speaks TLS from the first octet (993), else STARTTLS is offered (143).
    ``reuse_port`` lets several processes share the port, the kernel spreading connections.
    """

    host: str
    port: int
    implicit_tls: bool = False
    reuse_port: bool = False


class ImapServer:
    """An IMAP server over one backend.

    Use: ``server.bind(listeners)``, read ``server.ports``, then ``await server.serve()`` in a
    task; ``await server.stop(seconds)`` from another one makes ``serve`` return.
    """

    def __init__(
        self,
        backend: Backend,
        settings: ImapSettings,
        *,
        tls: ssl.SSLContext | None,
        metrics: Metrics | None = None,
        extensions: Iterable[Command] = (),
    ) -> None:
        """``extensions`` (see ``dispatch.command``) add commands or take the place of standard ones."""
        commands = table([*STANDARD, *extensions])
        self._shared = Shared(
            backend=backend,
            settings=settings,
            metrics=metrics or NoMetrics(),
            commands=commands,
            capabilities=capabilities(commands),
            tls=tls,
        )
        self._bound: list[tuple[Listener, socket.socket]] = []
        self._serving: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def ports(self) -> tuple[int, ...]:
        """The bound ports, in the order of the listeners."""
        return tuple(bound.getsockname()[1] for _, bound in self._bound)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def bind(self, listeners: Sequence[Listener]) -> None:
        """Listen on every address, or on none and raise OSError; resolves names, so it may block.

        The kernel keeps connections waiting until ``serve``.  ValueError: implicit TLS without a
        TLS context.
        """
        if self._shared.tls is None and any(listener.implicit_tls for listener in listeners):
            raise ValueError("a listener with implicit TLS needs a TLS context")
        try:
            for listener in listeners:
                self._bound.append((listener, _listen(listener)))
        except OSError:
            self._close_listeners()
            raise

    async def serve(self) -> None:
        """Serve until ``stop``; when cancelled, cut every connection."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for listener, bound in self._bound:
                    self._serving.append(await self._accept(listener, bound))
                sweeper = group.create_task(self._sweep())
                await self._stopping.wait()
                await self._empty.wait()
                sweeper.cancel()
        finally:
            self._group = None
            self._close_listeners()

    async def stop(self, seconds: float) -> None:
        """Refuse new connections, let commands that run be answered, say BYE.

        What is still open after ``seconds`` is cut.
        """
        self._stopping.set()
        self._close_listeners()
        for connection in list(self._connections):
            connection.drain()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            log.warning("connections_cut", connections=len(self._connections))
            for connection in list(self._connections):
                connection.abort()
            await self._empty.wait()

    # imap_server.connection.House

    def opened(self, connection: Connection) -> Limit | None:
        """Count a connection in and run it, or name the limit that forbids it."""
        settings = self._shared.settings
        refused: Limit | None = None
        if self._stopping.is_set():
            refused = Limit.SHUTDOWN
        elif len(self._connections) >= settings.max_connections:
            refused = Limit.CONNECTIONS
        elif self._by_address[connection.address] >= settings.max_connections_per_address:
            refused = Limit.CONNECTIONS_PER_ADDRESS
        if refused is not None:
            self._shared.metrics.limit_reached(refused)
            log.warning("connection_refused", address=connection.address, limit=refused.name.lower())
            return refused
        self._connections.add(connection)
        self._by_address[connection.address] += 1
        self._empty.clear()
        self._shared.metrics.connection_opened()
        connection.start(self._spawn)
        return None

    def closed(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        self._shared.metrics.connection_closed()
        if not self._connections:
            self._empty.set()

    def _spawn(self, connection: Connection) -> asyncio.Task[None]:
        if self._group is None:
            raise RuntimeError("a connection came while the server does not serve")
        return self._group.create_task(connection.run())

    async def _accept(self, listener: Listener, bound: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Connection(
                self._shared, self, number=next(self._numbers), implicit_tls=listener.implicit_tls
            ),
            sock=bound,
            backlog=_BACKLOG,
            # From the first octet the loop shakes hands before it tells us of the connection: uvloop
            # reads before a protocol could make it wait for start_tls().
            ssl=self._shared.tls if listener.implicit_tls else None,
            ssl_handshake_timeout=(
                self._shared.settings.tls_handshake_seconds if listener.implicit_tls else None
            ),
        )

    def _close_listeners(self) -> None:
        for server in self._serving:
            server.close()
        for _, bound in self._bound:
            bound.close()
        self._serving.clear()
        self._bound.clear()

    async def _sweep(self) -> None:
        """One clock for all connections: cheaper than a timer for every command of each."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._shared.settings.sweep_seconds)
            now = loop.time()
            for connection in list(self._connections):
                connection.sweep(now)


def _listen(listener: Listener) -> socket.socket:
    """A listening socket on the first address that the host's name has."""
    found = socket.getaddrinfo(
        listener.host or None, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=listener.reuse_port)
