# SPDX-License-Identifier: Apache-2.0
"""Run the front against a node: in this process, or in one that can be killed.

``python -m tests.peers.asterisk.front URL`` serves calls until it is killed; the password comes in the
environment.  Its depositor is always out of order, so whatever it records waits for somebody else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.peers.asterisk.recorder import RecordingDepositor
from tests.peers.asterisk.server import AsteriskServer
from vvm.domain.clock import SystemClock
from vvm.domain.errors import Outage
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.media import Greetings
from vvm.fronts.asterisk.service import AsteriskFront
from vvm.fronts.asterisk.settings import AsteriskSettings
from vvm.services.deposit import Depositor

_PASSWORD = "VVM_TEST_ARI_PASSWORD"
GREETING = "sound:hello"


def settings_for(server: AsteriskServer, **changes: Any) -> AsteriskSettings:
    """Settings that fit a node, with short sounds."""
    values: dict[str, Any] = {
        "ari": server.ari_url,
        "greeting": GREETING,
        "goodbye": "sound:beep",
        "system_name": "vvm-media-1",
    }
    return AsteriskSettings(**(values | changes))


@asynccontextmanager
async def serving(
    server: AsteriskServer, deposit: Depositor, *, greetings: Greetings | None = None, **changes: Any
) -> AsyncIterator[AsteriskFront]:
    """A front that takes calls, until the block ends."""
    settings = settings_for(server, **changes)
    front = AsteriskFront(settings, server.ari_password, deposit, clock=SystemClock(), greetings=greetings)
    task = asyncio.create_task(front.run())
    try:
        if settings.ari:
            async with asyncio.timeout(15):
                await front.wait_connected()
        yield front
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=15)
        assert task.cancelled(), task


@asynccontextmanager
async def doomed(server: AsteriskServer) -> AsyncIterator[asyncio.subprocess.Process]:
    """A front in a process of its own that takes calls; ``kill`` it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, server.ari_url,
        stdout=asyncio.subprocess.PIPE, env=os.environ | {_PASSWORD: server.ari_password.reveal()},
    )  # fmt: skip
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            while await process.stdout.readline() != b"connected\n":
                assert not process.stdout.at_eof(), "the front has ended"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def eventually(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Wait for what another program does to its files.  Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def _main(url: str, password: Secret) -> None:
    deposit = RecordingDepositor()
    deposit.failure = Outage("never")
    settings = AsteriskSettings(ari=url, greeting=GREETING)
    front = AsteriskFront(settings, password, deposit, clock=SystemClock())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(front.run())
        await front.wait_connected()
        print("connected", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Secret(os.environ[_PASSWORD])))
