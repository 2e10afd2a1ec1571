# SPDX-License-Identifier: Apache-2.0
"""An SMSC that is not ours, as a process that a test can watch and give orders to."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import msgspec

from sms_gateway.port import Coding
from sms_gateway.text import segments, udh

SECONDS = 20.0
"""How long a peer may take for anything; only a broken one takes so long."""

_DATA_CODING = {Coding.OCTETS: 4, Coding.GSM7: 0, Coding.UCS2: 8}


class Event(msgspec.Struct, frozen=True):
    """One line that a peer wrote; which fields it has depends on ``event``."""

    event: str
    port: int = 0
    system_id: str = ""
    message_id: str = ""
    source: str = ""
    destination: str = ""
    esm_class: int = 0
    data_coding: int = 0
    user_data: str = ""
    """Hexadecimal, header included."""
    to: str = ""
    """Of ``answered``: the message id of the receipt, or the number of the MO."""
    status: int = 0

    @property
    def octets(self) -> bytes:
        return bytes.fromhex(self.user_data)


class SmscPeer:
    """``received`` holds all that the peer said so far; ``wait_for`` waits for more."""

    host = "127.0.0.1"

    def __init__(self, process: Process, *, name: str, system_id: str, password: str) -> None:
        self._process = process
        self._news = asyncio.Event()
        self._ended = False
        self._orders = count(1)
        self.name = name
        self.system_id = system_id
        self.password = password
        self.port = 0
        self.received: list[Event] = []

    async def read(self) -> None:
        """Take the peer's lines until it ends."""
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                self.received.append(msgspec.json.decode(line, type=Event))
                self._news.set()
        finally:
            self._ended = True
            self._news.set()

    async def wait_for(self, condition: Callable[[Event], bool]) -> Event:
        """The first event, past or to come, that meets the condition.

        Raises TimeoutError, or ProcessLookupError when the peer ends before.
        """
        async with asyncio.timeout(SECONDS):
            while True:
                for event in self.received:
                    if condition(event):
                        return event
                if self._ended:
                    raise ProcessLookupError(f"{self.name} ended")
                self._news.clear()
                await self._news.wait()

    async def wait_bound(self) -> Event:
        return await self.wait_for(lambda event: event.event == "bound")

    async def wait_submits(self, number: int) -> list[Event]:
        """All submits that the peer took, once there are so many."""
        await self.wait_for(lambda _: len(self.submits) >= number)
        return self.submits

    @property
    def submits(self) -> list[Event]:
        return [event for event in self.received if event.event == "submit"]

    async def send_mo(
        self,
        originator: str,
        destination: str,
        text: str,
        *,
        port: int = 0,
        coding: Coding = Coding.OCTETS,
        reference: int = 1,
    ) -> list[int]:
        """Deliver an SMS of a handset (digits without ``+``); returns the status of each segment."""
        statuses = []
        for segment in segments.cut(text, coding=coding, port=port, reference=reference):
            header, octets = b"", segment.user_data
            if segment.has_header:
                _, octets = udh.decode(segment.user_data)
                header = segment.user_data[: len(segment.user_data) - len(octets)]
            order = str(next(self._orders))
            self._order(
                command="mo",
                id=order,
                source=originator,
                destination=destination,
                udh=header.hex(),
                text=octets.hex(),
                data_coding=_DATA_CODING[coding],
            )
            answer = await self.wait_for(_answer_to(order))
            statuses.append(answer.status)
        return statuses

    def unbind(self) -> None:
        """Have the peer say farewell to the bind."""
        self._order(command="unbind")

    def _order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")


def _answer_to(order: str) -> Callable[[Event], bool]:
    return lambda event: event.event == "answered" and event.to == order


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], *, environment: Mapping[str, str], system_id: str, password: str
) -> AsyncIterator[SmscPeer]:
    """Start a peer and stop it at the end; it dies with its standard input in any case."""
    process = await asyncio.create_subprocess_exec(
        *command, system_id, password, stdin=PIPE, stdout=PIPE, env=os.environ | environment
    )
    peer = SmscPeer(process, name=name, system_id=system_id, password=password)
    reading = asyncio.create_task(peer.read())
    try:
        listening = await peer.wait_for(lambda event: event.event == "listening")
        peer.port = listening.port
        yield peer
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await reading
