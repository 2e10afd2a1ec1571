# SPDX-License-Identifier: Apache-2.0
"""SMPP submits a second by window, on a short line and a long one, against two libraries on the same sink."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
import warnings
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import uvloop

from sms_gateway.gateway import SmsGateway
from sms_gateway.port import (
    Acceptance,
    Coding,
    InboundSegment,
    InboundSms,
    Lane,
    OutboundSms,
    Outcome,
    Reachable,
    Receipt,
    Sent,
)
from sms_gateway.settings import SmscSettings
from tests.bench import outbox, report
from tests.peers.smsc import install
from vvm.domain.clock import SystemClock

_COUNT = 30_000
_TEXT = "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
_ROUNDS = 5
"""One after the other, each with all three, and the median counts: a neighbour disturbs some of them."""
_WINDOWS = (1, 16, 128)


class Took(NamedTuple):
    """From the first submit to the last answer, in seconds."""

    elapsed: float
    processor: float
    """Of the client alone: the sink and the rest of the machine do not count."""


class EndlessOutbox:
    """Hands out SMS until there were enough, in memory: the library is measured, not a store.

    They are there before the clock starts, as what the libraries send is.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._owed = [_sms(number) for number in range(count)]
        self._leased = 0
        self._sent = 0
        self.started: Took | None = None
        """What the clocks said at the first lease, when the bind stands: the libraries start there too."""
        self.done = asyncio.Event()

    async def lease(self, limit: int, lane: Lane) -> Sequence[OutboundSms]:
        del lane  # there is one route
        self.started = self.started or _clocks()
        batch = self._owed[self._leased : self._leased + limit]
        self._leased += len(batch)
        return batch

    async def take_back(self, in_hands: Collection[OutboundSms]) -> None:
        pass

    async def segment_accepted(self, sms: OutboundSms, acceptance: Acceptance, *, smsc: str) -> None:
        pass

    async def settle(self, sms: OutboundSms, outcome: Outcome, *, smsc: str) -> None:
        assert isinstance(outcome, Sent), outcome
        self._sent += 1
        if self._sent == self._count:
            self.done.set()

    async def receipt(self, receipt: Receipt) -> None:
        pass

    async def wait(self, timeout: timedelta, lane: Lane) -> None:  # noqa: ASYNC109 - the port's name
        del lane
        await asyncio.sleep(timeout.total_seconds())

    async def segment(self, segment: InboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        return ()

    async def received(self, sms: InboundSms) -> None:
        pass

    async def reachable(self, hint: Reachable) -> None:
        pass


def run(folder: Path) -> None:
    report.section("SMS: submit_sm a second against a sink in another process (87 octets of data)")
    python = _aiosmpplib_python()
    for milliseconds in (0, 20):
        uvloop.run(_measure(milliseconds, python))
    report.section(f"SMS: the outbox on SQLite with {outbox.ROWS:,} rows")
    uvloop.run(outbox.measure(folder / "outbox.db"))


async def _measure(milliseconds: int, python: Path) -> None:
    """The median of some rounds; on a long line one, and the count is what fills it for two seconds."""
    sink = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.sms_sink", str(milliseconds), stdout=asyncio.subprocess.PIPE
    )
    line = f", {milliseconds} ms" if milliseconds else ""
    try:
        assert sink.stdout is not None
        port = int(await sink.stdout.readline())
        for window in _WINDOWS:
            count = 2000 * window // milliseconds if milliseconds else _COUNT // (4 if window == 1 else 1)
            few = count if milliseconds else count // 4
            whole = count // window * window
            rounds = [
                (
                    await asyncio.to_thread(_smpplib, port, window, whole),
                    await _aiosmpplib(python, port, window, few),
                    await _gateway(port, window, count),
                )
                for _ in range(1 if milliseconds else _ROUNDS)
            ]
            smpplib, aiosmpplib, gateway = (
                sorted(took)[len(took) // 2] for took in zip(*rounds, strict=True)
            )
            smpplib_rate = _report(f"smpplib, window {window}{line}", whole, smpplib)
            aiosmpplib_rate = _report(f"aiosmpplib, window {window}{line}", few, aiosmpplib)
            ours = _report(f"sms_gateway, window {window}{line}", count, gateway)
            report.ratio(f"  against smpplib, window {window}{line}", ours, smpplib_rate)
            report.ratio(f"  against aiosmpplib, window {window}{line}", ours, aiosmpplib_rate)
    finally:
        sink.terminate()
        await sink.wait()


def _report(name: str, count: int, took: Took) -> float:
    return report.rate(name, count, took.elapsed, f"{took.processor / count * 1e6:.1f} µs of processor each")


def _clocks() -> Took:
    return Took(time.perf_counter(), time.process_time())


def _since(started: Took) -> Took:
    now = _clocks()
    return Took(now.elapsed - started.elapsed, now.processor - started.processor)


def _aiosmpplib_python() -> Path:
    """The interpreter of a virtual environment with aiosmpplib."""
    here = Path(__file__).parent / "aiosmpplib"
    return install.virtual_environment("aiosmpplib", here / "requirements.txt")


async def _aiosmpplib(python: Path, port: int, window: int, count: int) -> Took:
    client = await asyncio.create_subprocess_exec(
        python,
        Path(__file__).parent / "aiosmpplib" / "client.py",
        str(port),
        str(window),
        str(count),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(client.communicate(), 120)
    elapsed, processor = output.split()
    return Took(float(elapsed), float(processor))


async def _gateway(port: int, window: int, count: int) -> Took:
    settings = SmscSettings(port=port, password="secret", window=window, rate=10_000_000.0)
    endless = EndlessOutbox(count)
    gateway = SmsGateway([settings], endless, endless, clock=SystemClock())
    task = asyncio.ensure_future(gateway.run())
    done = asyncio.ensure_future(endless.done.wait())
    await asyncio.wait({task, done}, return_when=asyncio.FIRST_COMPLETED)
    if not done.done():
        task.result()  # raises what ended the gateway
    assert endless.started is not None
    took = _since(endless.started)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return took


def _smpplib(port: int, window: int, count: int) -> Took:
    """A window made by hand: send so many, then read so many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import smpplib.client  # noqa: PLC0415 - warns when it is imported

    logging.getLogger("smpp").setLevel(logging.ERROR)  # a warning for each submit otherwise
    client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id="vvm", password="secret")
    octets = b"\x06\x05\x04\x15\x7b\x00\x00" + _TEXT.encode()
    started = _clocks()
    for _ in range(count // window):
        for _ in range(window):
            client.send_message(
                source_addr_ton=3,
                source_addr="5511",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr="33612345678",
                esm_class=0x40,
                data_coding=4,
                short_message=octets,
            )
        for _ in range(window):
            client.read_once(auto_send_enquire_link=False)
    took = _since(started)
    client.disconnect()
    return took


def _sms(number: int) -> OutboundSms:
    return OutboundSms(
        id=number,
        recipient="+33612345678",
        source="5511",
        text=_TEXT,
        coding=Coding.OCTETS,
        port=5499,
        reference=number % 256,
        validity=timedelta(days=1),
        attempt=0,
    )
