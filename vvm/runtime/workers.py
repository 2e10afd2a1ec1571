# SPDX-License-Identifier: Apache-2.0
"""``vvm serve --workers N``: IMAP on several cores, everything else once.

The process that was started does what it always does and starts N - 1 more that only speak IMAP.
All of them listen on the same ports and the kernel spreads the connections (SO_REUSEPORT); what
one commits the others learn from the store.  A worker lives as long as its parent: a pipe between
the two says when it is ready and ends when either of them does, however that comes about.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import msgspec
import structlog
import uvloop

from vvm.config.address import Address, parse_address
from vvm.config.sections import Config
from vvm.domain.errors import Outage
from vvm.runtime.logs import configure
from vvm.runtime.once import once
from vvm.runtime.serve import Role, serve
from vvm.runtime.supervisor import Part, Ready, StartFailed
from vvm.runtime.systemd import NO_SYSTEMD, BadSocket, Socket, Systemd

log = structlog.get_logger(__name__)

_START_SECONDS = 30.0
_LEAVE_SECONDS = 5.0
"""What a worker gets beyond the time that its connections have to end."""


async def serve_with_workers(
    config: Config, roles: frozenset[Role], workers: int, systemd: Systemd = NO_SYSTEMD
) -> None:
    """As ``serve``, with IMAP in ``workers`` processes (at least 1).  Raises what ``serve`` raises."""
    beside = {} if config.store.path is None else {"once": once(config.store.path, roles)}
    if workers == 1 or Role.IMAP not in roles:
        await serve(config, roles, beside=beside, systemd=systemd)
        return
    if systemd.taken(Socket.IMAP) or systemd.taken(Socket.IMAP_TLS):
        raise BadSocket("--workers shares ports by SO_REUSEPORT: no socket unit for IMAP, or --workers 1")
    with _ports_kept(config) as kept:
        beside["workers"] = _workers(kept, workers - 1)
        await serve(kept, roles, share_ports=True, beside=beside, systemd=systemd)


@contextmanager
def _ports_kept(config: Config) -> Iterator[Config]:
    """The configuration with every port 0 of IMAP made a real one that all processes can listen on.

    A socket that is bound and does not listen keeps the port and takes no connections.  Raises
    StartFailed when an address is in use.
    """
    with ExitStack() as held:

        def keep(text: str) -> str:
            try:
                return _bind(parse_address(text), held)
            except OSError as error:
                raise StartFailed(f"imap: {text}: {error.strerror or error}") from error

        imap = msgspec.structs.replace(
            config.imap,
            listen=tuple(keep(text) for text in config.imap.listen),
            listen_tls=tuple(keep(text) for text in config.imap.listen_tls),
        )
        yield msgspec.structs.replace(config, imap=imap)


def _bind(address: Address, held: ExitStack) -> str:
    found = socket.getaddrinfo(
        address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, where = found[0]
    bound = held.enter_context(socket.socket(family, kind, protocol))
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(where)
    return str(Address(address.host, bound.getsockname()[1]))


def _workers(config: Config, count: int) -> Part:
    """Starts the workers, and fails when one of them ends."""

    async def run(ready: Ready) -> None:
        # spawn: a fork would share the parent's SQLite connections and threads.
        context = multiprocessing.get_context("spawn")
        started: list[tuple[SpawnProcess, Connection]] = []
        try:
            for number in range(1, count + 1):
                ours, theirs = context.Pipe()
                process = context.Process(target=_main, args=(config, theirs), name=f"imap worker {number}")
                process.start()
                theirs.close()  # so that the end of the worker is the end of the pipe
                started.append((process, ours))
            links = [link for _, link in started]
            async with asyncio.timeout(_START_SECONDS):
                for link in links:
                    await _any_readable(link)
                    _hear(link)
            ready()
            await _any_readable(*links)
            raise Outage("an IMAP worker has ended; the log says why")
        finally:
            await _end(started, config.imap.drain_seconds + _LEAVE_SECONDS)

    return run


def _hear(link: Connection) -> None:
    """Take the one word of a worker.  Raises StartFailed where the pipe has ended instead."""
    try:
        link.recv_bytes()
    except (EOFError, ConnectionResetError):
        raise StartFailed("an IMAP worker did not start; the log says why") from None


async def _end(started: Sequence[tuple[SpawnProcess, Connection]], seconds: float) -> None:
    """Tell every worker to stop; kill those that take too long."""
    for _, link in started:
        link.close()
    try:
        async with asyncio.timeout(seconds):
            for process, _ in started:
                await _any_readable(process.sentinel)
    except TimeoutError:
        log.warning("workers_killed")
    for process, _ in started:
        process.kill()  # does nothing to one that has ended
        process.join()


async def _any_readable(*waited: Connection | int) -> None:
    """Until one of them has something to read, which an end is too."""
    loop = asyncio.get_running_loop()
    descriptors = [each if isinstance(each, int) else each.fileno() for each in waited]
    seen = asyncio.Event()
    for descriptor in descriptors:
        loop.add_reader(descriptor, seen.set)
    try:
        await seen.wait()
    finally:
        for descriptor in descriptors:
            loop.remove_reader(descriptor)


def _main(config: Config, link: Connection) -> None:
    """The whole life of a worker's process."""
    configure(config.log.level, config.log.format)
    uvloop.run(_work(config, link))


async def _work(config: Config, link: Connection) -> None:
    """Serve IMAP until the parent closes its end of the pipe, or is gone."""
    stop, started = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_reader(link.fileno(), stop.set)

    async def tell() -> None:
        await started.wait()
        with suppress(BrokenPipeError):  # the parent is gone, which ``stop`` has been told as well
            link.send_bytes(b"started")

    async with asyncio.TaskGroup() as group:
        telling = group.create_task(tell())
        await serve(config, frozenset({Role.IMAP}), stop=stop, started=started, share_ports=True)
        telling.cancel()
