# SPDX-License-Identifier: Apache-2.0
"""A bounded pool of processes that transcode audio, away from the event loop.

Audio comes from strangers and is decoded by C code: a decoder that dies or hangs must cost its own
message and nobody else's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from typing import TypeAlias, TypeVar

import structlog

from vvm.domain.errors import BadAudio
from vvm.message.audio.encode import Format, rendered
from vvm.message.audio.transcode import AudioLimits, Voice, to_wav, transcode

log = structlog.get_logger(__name__)

T = TypeVar("T")
Work: TypeAlias = Callable[[bytes, AudioLimits], T]
"""A plain function of audio that another process runs."""

_SECONDS = 60.0
"""A worker that takes longer hangs: the longest message takes a tenth of that."""
_PRELOADED = "vvm.message.audio.encode"


class _Lost(Exception):
    """The worker died or hung; which audio was to blame is not known yet."""


class TranscoderPool:
    """services.deposit.Transcoder.  Close it in the end; a worker also ends when its parent dies.

    As many jobs are handed out as there are workers and no more: nothing queues inside the pool, so a
    job's clock runs only while it is worked on, and killing a worker costs only what was in work.
    """

    def __init__(self, workers: int, limits: AudioLimits, *, seconds: float = _SECONDS) -> None:
        self._workers = workers
        self._limits = limits
        self._seconds = seconds
        self._pool = _pool(workers)
        self._free = asyncio.Semaphore(workers)
        self._alone = asyncio.Lock()

    async def warm(self) -> None:
        """Load what workers are made of and start one, which the first deposit would wait for."""
        with suppress(_Lost):
            await self._run(_nothing, b"")

    async def __call__(self, audio: bytes) -> Voice:
        """Raises BadAudio, also for what kills or hangs a worker."""
        return await self._work(transcode, audio)

    async def sound(self, audio: bytes) -> bytes:
        """services.greetings.Sound: as WAV.  Raises BadAudio likewise."""
        return await self._work(to_wav, audio)

    async def render(self, audio: bytes, form: Format) -> bytes:
        """services.desk.Render.  Raises BadAudio likewise."""
        return await self._work(partial(rendered, form=form), audio)

    async def _work(self, work: Work[T], audio: bytes) -> T:
        try:
            async with self._free:
                return await self._run(work, audio)
        except _Lost:
            return await self._run_alone(work, audio)

    def close(self) -> None:
        _kill(self._pool)

    async def _run(self, work: Work[T], audio: bytes) -> T:
        pool = self._pool
        try:
            return await self._run_in(pool, work, audio)
        except _Lost:
            if self._pool is pool:  # the first of those who lose it
                self._pool = _pool(self._workers)
            raise

    async def _run_alone(self, work: Work[T], audio: bytes) -> T:
        """Try again with nobody beside it: whoever breaks a pool alone is the one who broke it."""
        async with self._alone:
            pool = _pool(1)
            try:
                return await self._run_in(pool, work, audio)
            except _Lost:
                raise BadAudio("the decoder dies on it") from None
            finally:
                _kill(pool)

    async def _run_in(self, pool: ProcessPoolExecutor, work: Work[T], audio: bytes) -> T:
        """Raises BadAudio, _Lost."""
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(pool.submit(work, audio, self._limits))
        except (BrokenProcessPool, TimeoutError) as error:
            log.warning("transcoder_lost", reason=type(error).__name__)
            _kill(pool)
            raise _Lost from None
        except RuntimeError:  # the pool was shut down by somebody who lost a job in it
            raise _Lost from None


def _nothing(audio: bytes, limits: AudioLimits) -> None:
    """What a worker does to show that it stands."""
    del audio, limits


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End workers that may hang; there is no public way to name them before Python 3.14."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    pool.shutdown(wait=False)


def _prepare_worker() -> None:
    # A stop is the parent's decision: Ctrl-C and systemd signal the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
