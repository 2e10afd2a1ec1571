# SPDX-License-Identifier: Apache-2.0
"""Where connections come in: each is counted before its TLS handshake, and one that fails is told of.

The event loop's own listeners count a connection when its handshake is done, and tell nobody of a failure.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from vvm.fronts.http.settings import HttpSettings

log = structlog.get_logger(__name__)

_BACKLOG = 128
"""Connections that the kernel keeps for us."""
_ACCEPT_AGAIN_SECONDS = 1.0
"""The pause after the system had no descriptor for another peer."""


class Refused(StrEnum):
    """Why a connection did not get as far as a request."""

    CONNECTIONS = "connections"
    """There were ``http.max_connections``, those in a handshake counted."""
    DESCRIPTORS = "descriptors"
    """The process had no descriptor left; peers wait in the kernel."""
    NO_TLS = "no_tls"
    """What came is not TLS, for example plain HTTP."""
    VERSION = "version"
    """No version or cipher of TLS that both know."""
    NO_CERTIFICATE = "no_certificate"
    """``client_ca`` asks for a certificate, and none came."""
    CERTIFICATE = "certificate"
    """It is not one of ``client_ca``, or not valid now."""
    BY_PEER = "by_peer"
    """The peer did not like our certificate, or broke off with an alert."""
    TIME = "time"
    """It took longer than ``http.handshake_seconds``."""
    LOST = "lost"
    """The connection ended in the handshake."""


_BY_REASON = {
    "HTTP_REQUEST": Refused.NO_TLS,
    "HTTPS_PROXY_REQUEST": Refused.NO_TLS,
    "WRONG_VERSION_NUMBER": Refused.NO_TLS,
    "RECORD_LAYER_FAILURE": Refused.NO_TLS,
    "PACKET_LENGTH_TOO_LONG": Refused.NO_TLS,
    "UNSUPPORTED_PROTOCOL": Refused.VERSION,
    "VERSION_TOO_LOW": Refused.VERSION,
    "NO_SHARED_CIPHER": Refused.VERSION,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": Refused.NO_CERTIFICATE,
}
"""By ``ssl.SSLError.reason``, which names an error of OpenSSL."""

Report = Callable[[Refused], None]
"""Is told of each connection that is not let in."""


class RefusedConnections:
    """The figure of them, by listener."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "vvm_http_connections_refused",
            "Connections that did not get as far as a request",
            ["listener", "reason"],
            registry=registry,
        )

    def of(self, listener: str) -> Report:
        return lambda reason: self._refused.labels(listener, reason.value).inc()


class Place(msgspec.Struct, frozen=True):
    """Where to listen, and whether over TLS."""

    host: str
    port: int
    """0 lets the system choose."""
    tls: Callable[[], ssl.SSLContext] | None = None
    """The context of a new connection."""
    given: socket.socket | None = None
    """Listens already: it is taken, and host and port are not looked at."""


class Doors:
    """Takes connections at several places for one HTTP server, within one limit."""

    def __init__(self, protocols: web.Server, settings: HttpSettings, report: Report) -> None:
        self._protocols = protocols
        self._settings = settings
        self._report = report
        self._bound: list[tuple[Place, socket.socket]] = []
        self._beginnings: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None

    def bind(self, places: Sequence[Place]) -> list[int]:
        """Listen at every place, or at none and raise OSError; the ports, in the order of the places.

        The kernel keeps connections waiting until ``open``.
        """
        try:
            for place in places:
                self._bound.append((place, _listen(place)))
        except OSError:
            self.close()
            raise
        return [int(bound.getsockname()[1]) for _, bound in self._bound]

    @asynccontextmanager
    async def open(self, *, patience_seconds: float = 0.0) -> AsyncIterator[None]:
        """Take connections while the block runs.

        At its end those that the kernel holds are let in, too: they would hear a reset.  Handshakes have
        ``patience_seconds`` then.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            for place, bound in self._bound:
                self._accept(place, bound)
            try:
                yield
            finally:
                for place, bound in tuple(self._bound):
                    self._take_peers(place, bound)
                self._shut()
                if self._beginnings:
                    await asyncio.wait(tuple(self._beginnings), timeout=patience_seconds)
                self.close()

    def _shut(self) -> None:
        for _, bound in self._bound:
            asyncio.get_running_loop().remove_reader(bound.fileno())
            bound.close()
        self._bound.clear()

    def close(self) -> None:
        self._shut()
        for beginning in self._beginnings:
            beginning.cancel()

    def _accept(self, place: Place, bound: socket.socket) -> None:
        if bound.fileno() < 0:  # closed meanwhile
            return
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        asyncio.get_running_loop().add_reader(bound.fileno(), self._take_peers, place, bound)

    def _take_peers(self, place: Place, bound: socket.socket) -> None:
        for _ in range(_BACKLOG):
            try:
                peer, name = bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._report(Refused.DESCRIPTORS)
                log.warning("accept_failed", error=str(error), again_seconds=_ACCEPT_AGAIN_SECONDS)
                loop = asyncio.get_running_loop()
                loop.remove_reader(bound.fileno())
                loop.call_later(_ACCEPT_AGAIN_SECONDS, self._accept, place, bound)
                return
            self._take(place, peer, str(name[0]))

    def _take(self, place: Place, peer: socket.socket, address: str) -> None:
        if len(self._protocols.connections) + len(self._beginnings) >= self._settings.max_connections:
            peer.close()
            self._report(Refused.CONNECTIONS)
            log.warning("connection_refused", address=address, limit="connections")
            return
        if self._group is None:
            raise RuntimeError("a peer came before the doors were open")
        beginning = self._group.create_task(self._begin(place, peer, address))
        self._beginnings.add(beginning)
        beginning.add_done_callback(self._beginnings.discard)

    async def _begin(self, place: Place, peer: socket.socket, address: str) -> None:
        """Hand the socket to the loop, which shakes hands first where TLS is spoken."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        seconds = self._settings.handshake_seconds
        try:
            await loop.connect_accepted_socket(
                self._protocols,
                peer,
                ssl=None if place.tls is None else place.tls(),
                ssl_handshake_timeout=None if place.tls is None else seconds,
            )
        except OSError as error:  # of which ssl.SSLError and the time-out are two
            reason = Refused.TIME if loop.time() - started >= seconds else _reason(error)
            self._report(reason)
            log.info("tls_handshake_failed", address=address, reason=reason.value, error=_text(error))
        except asyncio.CancelledError:
            peer.close()
            raise


def _listen(place: Place) -> socket.socket:
    """A listening socket on the first address that the host's name has, or the one that was given."""
    if place.given is not None:
        return place.given
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family, backlog=_BACKLOG)


def _reason(error: OSError) -> Refused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused.CERTIFICATE
    if not isinstance(error, ssl.SSLError):
        return Refused.LOST
    name = error.reason or ""
    return _BY_REASON.get(name, Refused.BY_PEER if "ALERT" in name else Refused.LOST)


def _text(error: OSError) -> str:
    """What OpenSSL calls it, without its source files and lines."""
    return getattr(error, "reason", None) or type(error).__name__
