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
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import structlog

from vvm.domain.errors import BadAudio, Outage
from vvm.message.audio.transcode import AudioLimits, Voice, transcode

log = structlog.get_logger(__name__)

_SECONDS = 60.0
"""A worker that takes longer hangs: the longest message takes a tenth of that."""
_PRELOADED = "vvm.message.audio.transcode"


class TranscoderPool:
    """services.deposit.Transcoder.  Close it in the end; a worker also ends when its parent dies."""

    def __init__(self, workers: int, limits: AudioLimits) -> None:
        self._workers = workers
        self._limits = limits
        self._pool = _pool(workers)
        self._alone = asyncio.Lock()

    async def __call__(self, audio: bytes) -> Voice:
        """Raises BadAudio, and Outage when no worker answers in time."""
        pool = self._pool
        try:
            return await self._run(pool, audio)
        except BrokenProcessPool:
            log.warning("transcoder_died")
            self._replace(pool)
            return await self._run_alone(audio)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, pool: ProcessPoolExecutor, audio: bytes) -> Voice:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_SECONDS):
                return await loop.run_in_executor(pool, transcode, audio, self._limits)
        except TimeoutError:
            self._replace(pool)
            raise Outage("transcoding took too long") from None

    async def _run_alone(self, audio: bytes) -> Voice:
        """Try again with nobody beside it: whoever breaks a pool alone is the one who broke it."""
        async with self._alone:
            pool = _pool(1)
            try:
                return await self._run(pool, audio)
            except BrokenProcessPool:
                raise BadAudio("the decoder dies on it") from None
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        """Put a new pool in place, once for all who saw the old one break."""
        if self._pool is broken:
            self._pool = _pool(self._workers)
        _kill(broken)


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End workers that may hang; there is no public way to name them before Python 3.14."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)


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
