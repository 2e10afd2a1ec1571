# SPDX-License-Identifier: Apache-2.0
"""Debian's haproxy as a process."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_SECONDS = 30.0
_MISSING = "haproxy is missing: apt-get install -y haproxy"


@asynccontextmanager
async def haproxy(config: Path, ports: tuple[int, ...]) -> AsyncIterator[None]:
    """It listens on these ports of this machine."""
    try:
        process = await asyncio.create_subprocess_exec("haproxy", "-db", "-f", str(config), stderr=PIPE)
    except FileNotFoundError:
        raise AssertionError(_MISSING) from None
    try:
        async with asyncio.timeout(_SECONDS):
            for port in ports:
                await _until_there(process, port)
        yield
    finally:
        process.kill()
        await process.communicate()


async def _until_there(process: Process, port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
        except ConnectionRefusedError:
            if process.returncode is not None:
                assert process.stderr is not None
                raise AssertionError((await process.stderr.read()).decode()) from None
            await asyncio.sleep(0.02)
        else:
            writer.transport.abort()
            return
