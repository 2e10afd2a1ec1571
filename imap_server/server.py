# SPDX-License-Identifier: Apache-2.0
"""The server: listeners, the count of connections, the sweep of their deadlines, and a graceful end."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from imap_server.backend import Backend
from imap_server.commands import STANDARD, capabilities
from imap_server.connection import Connection
from imap_server.dispatch import Command, table
from imap_server.metrics import Limit, Metrics, NoMetrics
from imap_server.proxied import NO_BALANCERS, Balancers, read_source
from imap_server.settings import ImapSettings
from imap_server.shared import Shared
from imap_server.wire.proxy import BadHeader

log = structlog.get_logger(__name__)

_BACKLOG = 1024
"""Connections that the kernel keeps for us; a burst of SYNCs brings many handsets at once."""

_RECEIVE_BYTES = 65_536
"""The most that is read at once."""

_ACCEPT_AGAIN_SECONDS = 1.0
"""The pause after the system had no descriptor for another peer."""


class Listener(msgspec.Struct, frozen=True):
    """Where to listen; port 0 lets the system choose.

    ``implicit_tls`` speaks TLS from the first octet (993), else STARTTLS is offered (143).
    ``reuse_port`` lets several processes share the port, the kernel spreading connections.
    ``given`` listens already: it is taken, and host and port are not looked at.
    """

    host: str
    port: int
    implicit_tls: bool = False
    reuse_port: bool = False
    given: socket.socket | None = None


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
        end_point: Callable[[], bytes | None] = lambda: None,
        balancers: Balancers = NO_BALANCERS,
    ) -> None:
        """``extensions`` (see ``dispatch.command``) add commands or take the place of standard ones.

        ``end_point`` tells ``Peer.end_point`` of the certificate in use, which ``ssl`` does not; None
        where there is none, and then SCRAM-SHA-256-PLUS is not offered.  With ``balancers`` every
        connection must come from one of them and begin with a PROXY header.
        """
        self._balancers = balancers
        commands = table([*STANDARD, *extensions])
        self._shared = Shared(
            backend=backend,
            settings=settings,
            metrics=metrics or NoMetrics(),
            commands=commands,
            capabilities=capabilities(commands),
            tls=tls,
            end_point=end_point,
            received=memoryview(bytearray(_RECEIVE_BYTES)),
        )
        self._bound: list[tuple[Listener, socket.socket]] = []
        self._acceptors: list[int] = []
        self._accepted: set[socket.socket] = set()
        """Peers that no task has in its hands yet."""
        self._beginnings: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self._seats = 0
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
                    self._accept(listener, bound)
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
        for beginning in self._beginnings:
            beginning.cancel()
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

    def opened(self, connection: Connection) -> None:
        """Run a connection, whose peer was counted when it was accepted."""
        self._connections.add(connection)
        self._empty.clear()
        self._shared.metrics.connection_opened()
        connection.start(self._spawn)

    def closed(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        self._free_seat(connection.address)
        self._shared.metrics.connection_closed()
        if not self._connections:
            self._empty.set()

    def _spawn(self, connection: Connection) -> asyncio.Task[None]:
        if self._group is None:
            raise RuntimeError("a connection came while the server does not serve")
        return self._group.create_task(connection.run())

    def _take_seat(self, address: str) -> Limit | None:
        """Count a peer in, or name the limit that forbids it; counted and logged here."""
        settings = self._shared.settings
        if self._stopping.is_set():
            refused = Limit.SHUTDOWN
        elif self._seats >= settings.max_connections:
            refused = Limit.CONNECTIONS
        elif self._by_address[address] >= settings.max_connections_per_address:
            refused = Limit.CONNECTIONS_PER_ADDRESS
        else:
            self._by_address[address] += 1
            self._seats += 1
            return None
        self._refuse(address, refused)
        return refused

    def _refuse(self, address: str, limit: Limit) -> None:
        self._shared.metrics.limit_reached(limit)
        log.warning("connection_refused", address=address, limit=limit.name.lower())

    def _free_seat(self, address: str) -> None:
        self._seats -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _accept(self, listener: Listener, bound: socket.socket) -> None:
        """Accept ourselves: a peer is counted before its handshake, of which the loop tells nobody."""
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        asyncio.get_running_loop().add_reader(bound.fileno(), self._take_peers, listener, bound)
        self._acceptors.append(bound.fileno())

    def _accept_again(self, listener: Listener, bound: socket.socket) -> None:
        if bound.fileno() >= 0:
            self._accept(listener, bound)

    def _take_peers(self, listener: Listener, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_BACKLOG):
            try:
                peer, name = bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors left: the peers wait in the kernel
                self._shared.metrics.limit_reached(Limit.DESCRIPTORS)
                log.warning("accept_failed", error=str(error), again_seconds=_ACCEPT_AGAIN_SECONDS)
                loop.remove_reader(bound.fileno())
                self._acceptors.remove(bound.fileno())
                loop.call_later(_ACCEPT_AGAIN_SECONDS, self._accept_again, listener, bound)
                return
            if self._balancers:
                self._ask(listener, peer, str(name[0]))
            else:
                self._take(listener, peer, str(name[0]))

    def _ask(self, listener: Listener, peer: socket.socket, address: str) -> None:
        """Let the balancer say whose connection it is, or turn away who is none."""
        if address not in self._balancers:
            self._refuse(address, Limit.PROXY)
            _turn_away(listener, peer, Limit.PROXY)
            return
        if len(self._beginnings) >= self._shared.settings.max_connections:
            self._refuse(address, Limit.CONNECTIONS)
            _turn_away(listener, peer, Limit.CONNECTIONS)
            return
        if self._group is None:
            raise RuntimeError("a peer came while the server does not serve")
        self._accepted.add(peer)
        introduction = self._group.create_task(self._introduce(listener, peer, address))
        self._beginnings.add(introduction)
        introduction.add_done_callback(partial(self._introduced, peer))

    async def _introduce(self, listener: Listener, peer: socket.socket, balancer: str) -> None:
        """The limits from here on are the client's; a balancer that speaks for itself is one."""
        peer.setblocking(False)  # noqa: FBT003 - the standard library's signature
        try:
            async with asyncio.timeout(self._shared.settings.tls_handshake_seconds):
                address = await read_source(peer) or balancer
        except (BadHeader, OSError) as error:  # of which the time-out is one
            self._shared.metrics.limit_reached(Limit.PROXY)
            log.warning("proxy_header_refused", address=balancer, error=str(error) or type(error).__name__)
        else:
            self._accepted.remove(peer)
            self._take(listener, peer, address)

    def _introduced(self, peer: socket.socket, introduction: asyncio.Task[None]) -> None:
        """Close what nobody has taken over."""
        self._beginnings.remove(introduction)
        if peer in self._accepted:
            self._accepted.remove(peer)
            peer.close()

    def _take(self, listener: Listener, peer: socket.socket, address: str) -> None:
        """Give the peer its seat and a task that begins its connection, or turn it away."""
        refused = self._take_seat(address)
        if refused is not None:
            _turn_away(listener, peer, refused)
            return
        if self._group is None:
            raise RuntimeError("a peer came while the server does not serve")
        self._accepted.add(peer)
        beginning = self._group.create_task(self._begin(listener, peer, address))
        self._beginnings.add(beginning)
        beginning.add_done_callback(partial(self._begun, peer, address))

    async def _begin(self, listener: Listener, peer: socket.socket, address: str) -> None:
        """Hand the socket to the loop, which shakes hands first where TLS comes first.

        The seat passes to the connection, or is free again.
        """
        self._accepted.remove(peer)
        connection = Connection(
            self._shared,
            self,
            number=next(self._numbers),
            address=address,
            implicit_tls=listener.implicit_tls,
        )
        handshake_seconds = self._shared.settings.tls_handshake_seconds
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                peer,
                ssl=self._shared.tls if listener.implicit_tls else None,
                ssl_handshake_timeout=handshake_seconds if listener.implicit_tls else None,
            )
        except OSError as error:  # of which ssl.SSLError and the time-out are two
            self._shared.metrics.limit_reached(Limit.HANDSHAKE)
            log.info("tls_handshake_failed", address=address, error=str(error) or type(error).__name__)
        except Exception:  # a bug met by one peer must not end the others
            log.exception("connection_failed", address=address)
        finally:
            if not connection.opened:
                self._free_seat(address)

    def _begun(self, peer: socket.socket, address: str, beginning: asyncio.Task[None]) -> None:
        """Take back what a task holds that was cancelled before its first step."""
        self._beginnings.remove(beginning)
        if peer in self._accepted:
            self._accepted.remove(peer)
            peer.close()
            self._free_seat(address)

    def _close_listeners(self) -> None:
        for acceptor in self._acceptors:
            asyncio.get_running_loop().remove_reader(acceptor)
        for _, bound in self._bound:
            bound.close()
        self._acceptors.clear()
        self._bound.clear()

    async def _sweep(self) -> None:
        """One clock for all connections: cheaper than a timer for every command of each."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._shared.settings.sweep_seconds)
            now = loop.time()
            for connection in list(self._connections):
                connection.sweep(now)


def _turn_away(listener: Listener, peer: socket.socket, refused: Limit) -> None:
    """Close, with a word where the peer speaks IMAP at once."""
    with peer, suppress(OSError):  # the peer may be gone
        if not listener.implicit_tls:
            peer.setblocking(False)  # noqa: FBT003 - the standard library's signature
            peer.send(b"* BYE " + refused.value.encode() + b"\r\n")


def _listen(listener: Listener) -> socket.socket:
    """A listening socket on the first address that the host's name has, or the one that was given."""
    if listener.given is not None:
        return listener.given
    found = socket.getaddrinfo(
        listener.host or None, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=listener.reuse_port)
