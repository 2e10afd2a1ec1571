# SPDX-License-Identifier: Apache-2.0
"""Run a client from Debian's packages against a server in this process."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.dialogues.world import World

_SECONDS = 60.0


def needs(program: str, package: str) -> None:
    """Fail, with what to type, where a program is missing."""
    if shutil.which(program) is None:
        pytest.fail(f"{program} is missing: apt-get install --no-install-recommends {package}")


async def run(*command: str) -> bytes:
    """What a program printed; an exit code other than 0 fails the test with its complaints."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode(errors="replace")
    return out


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[None]:
    """A program that goes on until it is ended."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what a program does."""
    async with asyncio.timeout(_SECONDS):
        while not holds():  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.1)


async def authority(world: World, folder: Path) -> Path:
    """A file with the certificate that the world's server shows."""
    path = folder / "ca.pem"
    path.write_text(await asyncio.to_thread(ssl.get_server_certificate, (world.host, world.tls_port)))
    return path
