# SPDX-License-Identifier: Apache-2.0
"""aiosmpplib through a window: so many submits, each as soon as there is room.

    python client.py PORT WINDOW COUNT

Runs in an environment of its own and prints the seconds that it took, and those of its processor.
The library has no window: a broker that hands out the next SMS only when an answer came gives it one.
"""

from __future__ import annotations

import asyncio
import sys
import time

from aiosmpplib import (
    ESME,
    NPI,
    TON,
    AbstractBroker,
    AbstractHook,
    PhoneNumber,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
)

_TEXT = "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"


class Window(AbstractBroker):
    def __init__(self, size: int, count: int) -> None:
        self._room = asyncio.Semaphore(size)
        self._left = count
        self._open = count
        self.started = 0.0
        self.processor = 0.0
        self.done = asyncio.Event()

    async def enqueue(self, message: SmppMessage) -> None:
        raise NotImplementedError

    async def dequeue(self) -> SmppMessage:
        await self._room.acquire()
        if not self._left:
            await asyncio.Event().wait()
        if not self.started:
            self.started, self.processor = time.perf_counter(), time.process_time()
        self._left -= 1
        return SubmitSm(
            short_message=_TEXT,
            source=PhoneNumber("5511", TON.NETWORK_SPECIFIC, NPI.UNKNOWN),
            destination=PhoneNumber("33612345678", TON.INTERNATIONAL, NPI.ISDN),
            log_id=str(self._left),
        )

    def answered(self) -> None:
        self._room.release()
        self._open -= 1
        if not self._open:
            self.done.set()


class Answers(AbstractHook):
    def __init__(self, window: Window) -> None:
        self._window = window

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        pass

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        if isinstance(smpp_message, SubmitSmResp):
            self._window.answered()

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        raise error


async def main(port: int, size: int, count: int) -> None:
    window = Window(size, count)
    esme = ESME("127.0.0.1", port, "vvm", "secret", broker=window, hook=Answers(window), log_level="ERROR")
    running = asyncio.ensure_future(esme.start())
    await window.done.wait()
    print(time.perf_counter() - window.started, time.process_time() - window.processor, flush=True)
    running.cancel()
    await asyncio.wait([running], timeout=2)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
