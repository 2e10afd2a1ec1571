# SPDX-License-Identifier: Apache-2.0
"""A place for octets whose every operation is told to Prometheus."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from vvm.domain.errors import VvmError
from vvm.store.blobs.port import BlobStore
from vvm.store.metrics import BlobMetrics


class Measured:
    """What became of one operation."""

    def __init__(self) -> None:
        self.outcome = "ok"
        self.octets = 0


class MeasuredBlobs:
    """A BlobStore before another, which is ``backend`` in the figures.  A list of all is not measured."""

    def __init__(self, source: BlobStore, backend: str, metrics: BlobMetrics) -> None:
        self._source = source
        self._backend = backend
        self._metrics = metrics

    async def put(self, key: str, octets: bytes) -> None:
        with self._measured("put") as measured:
            await self._source.put(key, octets)
            measured.octets = len(octets)

    async def get(self, key: str) -> bytes | None:
        with self._measured("get") as measured:
            octets = await self._source.get(key)
            if octets is None:
                measured.outcome = "absent"
            else:
                measured.octets = len(octets)
        return octets

    async def delete(self, keys: Sequence[str]) -> None:
        with self._measured("delete"):
            await self._source.delete(keys)

    def older(self, than: datetime) -> AsyncIterator[Sequence[str]]:
        return self._source.older(than)

    async def close(self) -> None:
        await self._source.close()

    @contextmanager
    def _measured(self, operation: str) -> Iterator[Measured]:
        measured, started = Measured(), time.perf_counter()
        try:
            yield measured
        except VvmError as error:
            measured.outcome = error.code
            raise
        except BaseException:  # one that was given up, by a client that went away say
            measured.outcome = "cancelled"
            raise
        finally:
            seconds = time.perf_counter() - started
            self._metrics.operated(
                self._backend, operation, measured.outcome, octets=measured.octets, seconds=seconds
            )
