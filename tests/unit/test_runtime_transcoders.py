# SPDX-License-Identifier: Apache-2.0
"""Transcoding happens in processes that may die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.audio_samples import wav
from vvm.domain.errors import BadAudio
from vvm.message.audio.transcode import AudioLimits
from vvm.runtime.transcoders import TranscoderPool


@pytest.fixture
async def pool() -> AsyncIterator[TranscoderPool]:
    transcoders = TranscoderPool(2, AudioLimits(max_seconds=60))
    yield transcoders
    transcoders.close()


def workers(pool: TranscoderPool) -> list[int]:
    return list(pool._pool._processes)


async def test_audio_is_transcoded_in_another_process(pool: TranscoderPool) -> None:
    voice = await pool(wav(seconds=1.0))
    assert voice.seconds == 1
    assert os.getpid() not in workers(pool)


async def test_a_warm_pool_has_a_worker_before_the_first_audio_comes(pool: TranscoderPool) -> None:
    await pool.warm()
    started = workers(pool)
    assert started
    await pool(wav(seconds=1.0))
    assert set(started) <= set(workers(pool))


async def test_what_is_not_audio_is_refused_and_the_worker_lives_on(pool: TranscoderPool) -> None:
    with pytest.raises(BadAudio):
        await pool(b"not audio at all")
    assert (await pool(wav(seconds=1.0))).seconds == 1


async def test_a_worker_that_dies_costs_nobody_a_message(pool: TranscoderPool) -> None:
    await pool(wav(seconds=0.1))
    jobs = [asyncio.ensure_future(pool(wav(seconds=20.0))) for _ in range(4)]
    await asyncio.sleep(0)
    for process in workers(pool):
        os.kill(process, signal.SIGKILL)
    assert [voice.seconds for voice in await asyncio.gather(*jobs)] == [20] * 4


async def test_a_worker_that_hangs_costs_the_others_nothing() -> None:
    pool = TranscoderPool(2, AudioLimits(max_seconds=60), seconds=3.0)
    try:
        await pool(wav(seconds=0.1))
        for process in workers(pool):
            os.kill(process, signal.SIGSTOP)  # every worker hangs, whatever it decodes
        voices = await asyncio.gather(*(pool(wav(seconds=2.0)) for _ in range(6)))
        assert [voice.seconds for voice in voices] == [2] * 6
    finally:
        pool.close()


async def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from tests.unit.audio_samples import wav\n"
        "from vvm.message.audio.transcode import AudioLimits\n"
        "from vvm.runtime.transcoders import TranscoderPool\n"
        "async def main():\n"
        "    pool = TranscoderPool(1, AudioLimits(max_seconds=60))\n"
        "    await pool(wav(seconds=0.1))\n"
        "    print(*pool._pool._processes, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    path = tmp_path / "parent.py"
    path.write_text(script)
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        str(path),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert parent.stdout is not None
    (worker,) = map(int, (await parent.stdout.readline()).split())
    ended = os.pidfd_open(worker)
    parent.kill()
    await parent.wait()
    done = asyncio.Event()
    asyncio.get_running_loop().add_reader(ended, done.set)
    async with asyncio.timeout(20):
        await done.wait()
    asyncio.get_running_loop().remove_reader(ended)
    os.close(ended)
