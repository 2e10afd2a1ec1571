# SPDX-License-Identifier: Apache-2.0
"""From the deposit's request to its SYNC at the SMSC, and deposits a second, through the real program."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import report
from tests.bench.program import Program, running
from tests.unit.audio_samples import wav
from vvm.message.audio.transcode import AudioLimits, transcode

_SUBSCRIBER = "+33612345678"
_ONE_BY_ONE = 100
_AT_ONCE = 8
_TOGETHER = 400


def run(folder: Path) -> None:
    report.section("Main job: HTTP deposit of a 5 s message, durable, to submit_sm at the SMSC")
    asyncio.run(_run(folder / "latency"))


class Phone:
    """Notes when each SYNC arrived."""

    def __init__(self) -> None:
        self.status = asyncio.Event()
        self.synced: dict[str, float] = {}
        self.news = asyncio.Event()

    def hear(self, sms: HandsetSms) -> None:
        text = sms.text or ""
        if ":SYNC:" in text:
            uid = text.partition(";id=")[2].partition(";")[0]
            # MBU: nothing is played or removed here, so its count is the newest message that it tells of.
            count = text.partition(";c=")[2].partition(";")[0]
            for told in [uid] if uid else map(str, range(1, int(count) + 1)):
                self.synced.setdefault(told, time.perf_counter())
            self.news.set()
        else:
            self.status.set()

    async def wait_for(self, uid: str) -> float:
        while uid not in self.synced:
            self.news.clear()
            await self.news.wait()
        return self.synced[uid]


async def _run(folder: Path) -> None:
    phone = Phone()
    smsc = SimulatedSmsc(on_sms=phone.hear)
    async with smsc.running(), running(folder, smsc_port=smsc.port) as program, api_of(program) as api:
        await smsc.until(lambda: smsc.bound > 0)
        async with api.put(f"/v1/subscribers/{_SUBSCRIBER}", json={"max_messages": 100_000}) as answer:
            answer.raise_for_status()
        await smsc.send_mo(_SUBSCRIBER[1:], "5511", "Activate:pv=11;ct=bench")
        await phone.status.wait()
        speech = wav(seconds=5.0)
        report.percentiles("the first deposit after the start, WAV", [await _one(api, phone, speech)])
        ready_made = transcode(speech, AudioLimits(max_seconds=60)).amr
        for name, audio in (("WAV, transcoded", speech), ("AMR, kept", ready_made)):
            delays = [await _one(api, phone, audio) for _ in range(_ONE_BY_ONE)]
            report.percentiles(f"deposit to submit, {name}, one by one", delays)
            started = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(_many(api, audio, _TOGETHER // _AT_ONCE))
            report.rate(
                f"deposits over HTTP, {name}, {_AT_ONCE} at once", _TOGETHER, time.perf_counter() - started
            )


async def _one(api: aiohttp.ClientSession, phone: Phone, audio: bytes) -> float:
    started = time.perf_counter()
    uid = await _post(api, audio)
    return await phone.wait_for(uid) - started


async def _many(api: aiohttp.ClientSession, audio: bytes, count: int) -> None:
    for _ in range(count):
        await _post(api, audio)


async def _post(api: aiohttp.ClientSession, audio: bytes) -> str:
    path = f"/v1/subscribers/{_SUBSCRIBER}/messages"
    async with api.post(path, data=audio, params={"from": "+33698765432"}) as answer:
        answer.raise_for_status()
        return str((await answer.json())["uid"])


def api_of(program: Program) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(program.http, headers={"Authorization": f"Bearer {program.token}"})
