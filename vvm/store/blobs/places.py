# SPDX-License-Identifier: Apache-2.0
"""From ``[blobs]`` to a BlobStore."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from vvm.store.blobs.cache import CachedBlobs
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.measured import MeasuredBlobs
from vvm.store.blobs.objects import ObjectBlobs, s3_store
from vvm.store.blobs.port import BlobStore
from vvm.store.blobs.settings import FILE, BlobSettings
from vvm.store.metrics import BlobMetrics, NoBlobMetrics


def blob_store(settings: BlobSettings, metrics: BlobMetrics | None = None) -> BlobStore | None:
    """None when octets lie in the database.  Nothing is sent or made yet; close it when it is done."""
    metrics = metrics or NoBlobMetrics()
    if not settings.url:
        return None
    if settings.url.startswith(FILE):
        disk = DiskBlobs(Path(settings.place), threads=settings.connections)
        return MeasuredBlobs(disk, "disk", metrics)
    objects = ObjectBlobs(
        s3_store(settings),
        timeout=timedelta(seconds=settings.timeout_seconds),
        connections=settings.connections,
    )
    store = MeasuredBlobs(objects, "s3", metrics)
    if not settings.cache_directory:
        return store
    return CachedBlobs(store, Path(settings.cache_directory), max_bytes=settings.cache_bytes, metrics=metrics)
