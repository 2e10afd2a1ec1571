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

log = structlog.get_logger(__name__)

Ready = Callable[[], None]
Part = Callable[[Ready], Awaitable[None]]
"""Runs until it is cancelled, and then finishes within a deadline of its own.

It calls its argument once, when it is ready to work.
"""


class _Stopped(Exception):
    """Somebody asked for the end."""


async def supervise(parts: Mapping[str, Part], *, stop: asyncio.Event, started: Callable[[], None]) -> None:
    """Run all parts; call ``started`` when every one of them is ready; return after ``stop``.

    Raises an ExceptionGroup with what a part raised.
    """
    waiting = set(parts)

    def ready(name: str) -> None:
        waiting.discard(name)
        log.info("part_started", part=name)
        if not waiting:
            started()

    try:
        async with asyncio.TaskGroup() as group:
            for name, part in parts.items():
                group.create_task(_run(name, part, partial(ready, name)), name=name)
            group.create_task(_until(stop))
    except* _Stopped:
        log.info("stopped")


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT ask for the end; a second one finds the default again and is obeyed at once."""
    loop = asyncio.get_running_loop()

    def heard(number: signal.Signals) -> None:
        log.info("stop_requested", signal=number.name)
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise _Stopped


async def _run(name: str, part: Part, ready: Ready) -> None:
    try:
        await part(ready)
    except Exception:
        log.exception("part_failed", part=name)
        raise
    raise RuntimeError(f"{name} ended by itself")
