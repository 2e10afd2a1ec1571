# SPDX-License-Identifier: Apache-2.0
"""The socket of the API: its limits, and a stop that lets requests in progress finish."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from vvm.fronts.http.settings import HttpSettings

_JUST_CONNECTED_SECONDS = 0.25
"""Who was let in before a graceful end sends its request within this time, and is answered."""


class Place(msgspec.Struct, frozen=True):
    """Where to listen, and whether over TLS."""

    host: str
    port: int
    """0 lets the system choose."""
    tls: ssl.SSLContext | None = None
    given: socket.socket | None = None
    """Listens already: it is taken, and host and port are not looked at."""


@asynccontextmanager
async def serving(
    app: web.Application, settings: HttpSettings, *, host: str, port: int
) -> AsyncIterator[int]:
    """As ``serving_at``, at one place without TLS; gives its port."""
    async with serving_at(app, settings, [Place(host, port)]) as (bound,):
        yield bound


@asynccontextmanager
async def serving_at(
    app: web.Application, settings: HttpSettings, places: Sequence[Place]
) -> AsyncIterator[Sequence[int]]:
    """Serve while the block runs; gives the ports, in the order of the places.

    At the end nothing more is accepted, and requests in progress have ``drain_seconds``.  Raises
    OSError when an address cannot be had.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,  # the limit of a body is a limit of what arrives
        keepalive_timeout=settings.idle_seconds,
        lingering_time=settings.linger_seconds,
        logger=_logger(),
        shutdown_timeout=settings.drain_seconds,
    )
    await runner.setup()
    try:
        protocols = runner.server
        assert protocols is not None  # noqa: S101 - setup() has just made it
        listeners: list[asyncio.Server] = []
        try:
            for place in places:
                listeners.append(await _listener(protocols, settings, place))  # noqa: PERF401 - each is closed though the next fails
            yield [listener.sockets[0].getsockname()[1] for listener in listeners]
        finally:
            for listener in listeners:
                listener.close()
            if settings.notice_seconds and protocols.connections:
                await asyncio.sleep(_JUST_CONNECTED_SECONDS)
    finally:
        await runner.cleanup()


async def _listener(protocols: web.Server, settings: HttpSettings, place: Place) -> asyncio.Server:
    limited = _limited(protocols, settings.max_connections)
    loop = asyncio.get_running_loop()
    handshake_seconds = None if place.tls is None else settings.handshake_seconds
    if place.given is not None:
        return await loop.create_server(
            limited, sock=place.given, ssl=place.tls, ssl_handshake_timeout=handshake_seconds
        )
    return await loop.create_server(
        limited, place.host, place.port, ssl=place.tls, ssl_handshake_timeout=handshake_seconds
    )


class _Closed(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _limited(protocols: web.Server, limit: int) -> Callable[[], asyncio.BaseProtocol]:
    def protocol() -> asyncio.BaseProtocol:
        return protocols() if len(protocols.connections) < limit else _Closed()

    return protocol


class _WithoutTraceback(logging.Filter):
    """Octets of a stranger that are not HTTP are worth one line, and no look at aiohttp's inside."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    if not logger.filters:
        logger.addFilter(_WithoutTraceback())
    return logger
