# SPDX-License-Identifier: Apache-2.0
"""Runs the parts of a process side by side, until it is told to stop or one of them fails.

A part that fails unexpectedly ends the process: what was acknowledged is on disk, and a fresh start
is a state that is tested (tests/process), which a half-broken process is not.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from vvm.domain.errors import BadStart

log = structlog.get_logger(__name__)

Ready = Callable[[], None]
Part = Callable[[Ready], Awaitable[None]]
"""Runs until it is cancelled, and then finishes within a deadline of its own.

It calls its argument once, when it is ready to work.
"""


class StartFailed(BadStart):
    """A part could not start, for example because its port is taken; the text says why."""

    code = "start_failed"


class _Stopped(Exception):
    """Somebody asked for the end."""


async def supervise(parts: Mapping[str, Part], *, stop: asyncio.Event, started: Callable[[], None]) -> None:
    """Run all parts; call ``started`` when every one of them is ready; return after ``stop``.

    Raises StartFailed, and an ExceptionGroup with whatever else a part raised.
    """
    waiting = set(parts)

    def ready(name: str) -> None:
        waiting.discard(name)
        log.info("part_started", part=name)
        if not waiting:
            started()

    async def run(name: str, part: Part) -> None:
        try:
            await part(partial(ready, name))
        except OSError as error:
            if name in waiting:
                raise StartFailed(f"{name}: {error.strerror or error}") from error
            raise
        raise RuntimeError(f"{name} ended by itself")

    try:
        async with asyncio.TaskGroup() as group:
            for name, part in parts.items():
                group.create_task(run(name, part), name=name)
            group.create_task(_until(stop))
    except* _Stopped:
        log.info("stopped")
    except* StartFailed as failed:
        raise failed.exceptions[0] from None


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT ask for the end; a second one finds the default again and is obeyed at once.

    SIGHUP, the end of a terminal, is no reason to stop serving.
    """
    loop = asyncio.get_running_loop()

    def heard(number: signal.Signals) -> None:
        log.info("stop_requested", signal=number.name)
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    loop.add_signal_handler(signal.SIGHUP, log.info, "hangup_ignored")


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise _Stopped
