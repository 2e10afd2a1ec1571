# SPDX-License-Identifier: Apache-2.0
"""Roles that another process has already on the same SQLite file, where each may run once.

It is told and not refused: in a restart the old process may still be draining while the new one starts.
On PostgreSQL roles run on as many nodes as one likes, and nothing is looked at.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import structlog

from vvm.runtime.supervisor import Part, Ready
from vvm.store.sqlite.turn import open_beside

log = structlog.get_logger(__name__)


def once(store: Path, roles: Iterable[str]) -> Part:
    """Be seen by whoever starts later, and warn of those that run already."""

    async def run(ready: Ready) -> None:
        with seen(store, roles) as running:
            if running:
                log.warning("roles_run_already", roles=running, store=str(store))
            ready()
            await asyncio.Event().wait()

    return run


@contextmanager
def seen(store: Path, roles: Iterable[str]) -> Iterator[list[str]]:
    """Hold a lock on a file for each role beside the store; the roles that another process holds too.

    What cannot be looked at is logged, and stops nobody.
    """
    with ExitStack() as held:
        yield [role for role in sorted(roles) if _runs(store, f"-role-{role}", held)]


def _runs(store: Path, suffix: str, held: ExitStack) -> bool:
    """Alone is who gets the whole lock; then everybody shares it, so that the next one finds somebody."""
    try:
        descriptor = open_beside(store, suffix)
    except OSError as error:
        log.warning("roles_not_looked_at", file=f"{store}{suffix}", error=error.strerror)
        return False
    held.callback(os.close, descriptor)  # the end of the process does the same
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        running = False
    except BlockingIOError:
        running = True
    with suppress(BlockingIOError):  # of two that start in one moment, the other has the whole lock
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return running
