# SPDX-License-Identifier: Apache-2.0
"""A server of S3 that we did not write: moto, in a virtual environment of its own."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.peers.smsc.install import once

HERE = Path(__file__).parent
BUCKET = "voicemail"
_SECONDS = 60.0
_LISTENS = re.compile(rb"Running on (http://127\.0\.0\.1:\d+)")


def _python() -> Path:
    lock = HERE / "moto" / "requirements.txt"

    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(lock)], check=True, stdout=subprocess.DEVNULL)

    return once("moto", lock, install) / "bin" / "python"


@asynccontextmanager
async def s3_server() -> AsyncIterator[str]:
    """The address of a server with an empty bucket."""
    python = await asyncio.to_thread(_python)
    process = await asyncio.create_subprocess_exec(
        python, "-m", "moto.server", "--port", "0", stdout=DEVNULL, stderr=PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(_SECONDS):
            while (found := _LISTENS.search(line := await process.stderr.readline())) is None:
                assert line, "moto ended at its start"
        endpoint = found[1].decode()
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as session:
            reading = group.create_task(_drain(process.stderr))
            async with session.put(f"{endpoint}/{BUCKET}") as made:
                assert made.status == 200
            yield endpoint
            reading.cancel()
    finally:
        process.kill()
        await process.wait()


async def _drain(log: asyncio.StreamReader) -> None:
    while await log.readline():
        pass
