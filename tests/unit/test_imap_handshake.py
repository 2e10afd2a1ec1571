# SPDX-License-Identifier: Apache-2.0
"""Between accept and session: peers count from their accept, and no end of the server leaves one open."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from imap_server.metrics import Limit
from imap_server.settings import ImapSettings
from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.runner import PATIENCE_SECONDS
from tests.unit.test_imap_server import Figures, client, say

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])


async def test_peers_that_never_shake_hands_fill_the_limit_of_their_address_and_no_other() -> None:
    figures = Figures()
    settings = ImapSettings(max_connections_per_address=2, tls_handshake_seconds=1)
    async with memory_world(settings, metrics=figures) as world:
        silent = [await say_nothing(world) for _ in range(3)]
        assert await end_of(silent.pop()) == b""  # the third, at once: no handshake has run out of time
        assert figures.limits == [Limit.CONNECTIONS_PER_ADDRESS]
        async with client(world) as other:
            await say(other, "n NOOP", until="n OK")
        for peer in silent:
            assert await end_of(peer) == b""
        async with client(world) as again:
            await say(again, "n NOOP", until="n OK")
    assert figures.limits == [Limit.CONNECTIONS_PER_ADDRESS, Limit.HANDSHAKE, Limit.HANDSHAKE]


@LOOPS
def test_a_stop_in_mid_handshake_closes_the_peer(loop_factory: LoopFactory) -> None:
    async def play() -> None:
        figures = Figures()
        async with memory_world(metrics=figures) as world, client(world, tls=False) as clear:
            silent = await say_nothing(world)
            async with client(world):  # accepted after the silent one, which is in its handshake now
                pass
            await say(clear, "s STARTTLS", until="s OK")
            await world.server.stop(PATIENCE_SECONDS)
            assert await end_of(silent) == b""
            await clear.closed()
            assert world.server.connections == 0
        assert figures.limits == []

    run(play(), loop_factory)


@LOOPS
@pytest.mark.parametrize("beginning", ["ImapServer._begin", "Connection.run"])
def test_a_stop_before_the_first_step_of_a_task_closes_the_peer(
    beginning: str, loop_factory: LoopFactory
) -> None:
    """asyncio never enters a task that was cancelled so early: nothing in it can close the socket."""

    def stillborn(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        if coroutine.__qualname__ == beginning:
            task.cancel()
        return task

    async def play() -> None:
        async with memory_world(ImapSettings(max_connections=1)) as world:
            asyncio.get_running_loop().set_task_factory(stillborn)
            assert await end_of(await say_nothing(world, tls=beginning == "Connection.run")) == b""
            asyncio.get_running_loop().set_task_factory(None)
            async with client(world) as other:  # the only seat is free
                await say(other, "n NOOP", until="n OK")

    run(play(), loop_factory)


@LOOPS
@pytest.mark.parametrize("tls", [False, True])
def test_without_descriptors_peers_wait_until_there_are_some(tls: bool, loop_factory: LoopFactory) -> None:
    async def play() -> None:
        figures = Exhaustion()
        async with memory_world(metrics=figures) as world, client(world) as inside:
            waiting = socket.socket()
            with no_descriptors():
                waiting.connect((world.host, world.tls_port if tls else world.port))
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await figures.exhausted.wait()
                await say(inside, "n NOOP", until="n OK")
            reader, writer = await asyncio.open_connection(
                sock=waiting, ssl=world.tls if tls else None, server_hostname=world.host if tls else None
            )
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await reader.readline()).startswith(b"* OK ")
            writer.close()
            await writer.wait_closed()
        assert figures.limits == [Limit.DESCRIPTORS]

    run(play(), loop_factory)


class Exhaustion(Figures):
    """Tells when the server could not accept."""

    def __init__(self) -> None:
        super().__init__()
        self.exhausted = asyncio.Event()

    def limit_reached(self, limit: Limit) -> None:
        super().limit_reached(limit)
        if limit is Limit.DESCRIPTORS:
            self.exhausted.set()


@contextmanager
def no_descriptors() -> Iterator[None]:
    """This process has as many files open as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[0]), before[1]))
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        try:
            while True:
                held.append(os.dup(held[0]))
        except OSError:
            yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def run(playing: Coroutine[Any, Any, None], loop_factory: LoopFactory) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(playing)


async def say_nothing(world: MemoryWorld, *, tls: bool = False) -> Peer:
    """To the port of implicit TLS, from an address that no other client has."""
    return await asyncio.open_connection(
        world.host,
        world.tls_port,
        local_addr=("127.0.0.2", 0),
        ssl=world.tls if tls else None,
        server_hostname=world.host if tls else None,
    )


async def end_of(peer: Peer) -> bytes:
    reader, writer = peer
    async with asyncio.timeout(PATIENCE_SECONDS):
        rest = await reader.read()
    writer.close()
    return rest
