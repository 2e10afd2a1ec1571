# SPDX-License-Identifier: Apache-2.0
"""Which way hints take (``[hints]``), and the part of a process that carries them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from vvm.config.sections import Config
from vvm.domain.errors import BadStart
from vvm.store.hints.local import LocalHints
from vvm.store.hints.shared import Bus, SharedHints
from vvm.store.hints.sockets import SocketBus
from vvm.store.port import Store
from vvm.store.postgres.hints import PostgresBus
from vvm.store.sqlite import SqliteStore

_WATCH_SECONDS = 0.01
"""How soon a commit of another process is noticed; a look is a pragma, and costs a thousandth of a core."""


class MissingExtra(BadStart):
    """Something is asked for that was not installed; the text says how."""

    code = "missing_extra"


def hints_of(config: Config) -> LocalHints | SharedHints:
    """Hints of this process, and the bus by which they reach others.  Raises MissingExtra."""
    bus = _bus(config)
    return LocalHints() if bus is None else SharedHints(bus)


def _bus(config: Config) -> Bus | None:
    """None where a SQLite file is looked at, and where nobody else is to hear."""
    match config.hints.bus:
        case "store" if config.store.path is not None:
            return None
        case "store" | "postgres":
            return PostgresBus(config.store.url, config.store.postgres)
        case "process":
            return None
        case "sockets":
            return SocketBus(config.hints_directory)
        case "redis":
            return _redis(config)


def _redis(config: Config) -> Bus:
    try:
        from vvm.store.hints.redis import RedisBus  # noqa: PLC0415 - an extra that others do not install
    except ImportError:
        raise MissingExtra('hints.bus = "redis" needs the client: pip install "vvm[redis]"') from None
    hints = config.hints
    return RedisBus(hints.url, password=hints.password, seconds=hints.timeout_seconds)


def carrying(config: Config, hints: LocalHints | SharedHints, store: Store) -> Callable[[], Awaitable[None]]:
    """One step of what brings hints of other processes; it is repeated for ever."""
    if isinstance(hints, SharedHints):
        return hints.run
    if config.hints.bus == "store" and isinstance(store, SqliteStore):

        async def look() -> None:
            await asyncio.sleep(_WATCH_SECONDS)
            store.pass_on_hints(hints)

        return look
    return _nothing


async def _nothing() -> None:
    """Where nothing comes from elsewhere."""
    await asyncio.Event().wait()
