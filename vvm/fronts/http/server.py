# SPDX-License-Identifier: Apache-2.0
"""The socket of the API: its limits, and a stop that lets requests in progress finish."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http import HttpProcessingError

from vvm.fronts.http.doors import Doors, Place, Refused, Report
from vvm.fronts.http.settings import HttpSettings

_JUST_CONNECTED_SECONDS = 0.25
"""Who was let in before a graceful end sends its request within this time, and is answered."""


def _unheard(reason: Refused) -> None:
    """For who counts nothing."""


@asynccontextmanager
async def serving(
    app: web.Application, settings: HttpSettings, *, host: str, port: int, report: Report = _unheard
) -> AsyncIterator[int]:
    """As ``serving_at``, at one place without TLS; gives its port."""
    async with serving_at(app, settings, [Place(host, port)], report=report) as (bound,):
        yield bound


@asynccontextmanager
async def serving_at(
    app: web.Application, settings: HttpSettings, places: Sequence[Place], *, report: Report = _unheard
) -> AsyncIterator[Sequence[int]]:
    """Serve while the block runs; gives the ports, in the order of the places.

    ``report`` is told of each connection that is not let in.  At the end nothing more is accepted, and
    requests in progress have ``drain_seconds``; where it was announced (``notice_seconds``), those too that
    peers who were let in have yet to send.  Raises OSError when an address cannot be had.
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
        doors = Doors(protocols, settings, report)
        ports = doors.bind(places)
        patience_seconds = _JUST_CONNECTED_SECONDS if settings.notice_seconds else 0.0
        try:
            async with doors.open(patience_seconds=patience_seconds):
                yield ports
        finally:  # a part of the program is cancelled when it ends
            if protocols.connections:
                await asyncio.sleep(patience_seconds)
    finally:
        await runner.cleanup()


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
