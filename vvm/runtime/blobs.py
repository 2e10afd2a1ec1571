# SPDX-License-Identifier: Apache-2.0
"""Where octets lie, as ``[blobs]`` wants it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from vvm.domain.clock import Clock
from vvm.services.credentials import Keyring
from vvm.services.sweeping import Sweeper
from vvm.store.blobs.port import BlobLedger, BlobStore
from vvm.store.blobs.settings import BlobSettings
from vvm.store.blobs.shelf import BlobShelf, DatabaseShelf, MakeShelf
from vvm.store.metrics import BlobMetrics


def shelf_of(settings: BlobSettings, blobs: BlobStore | None, keyring: Keyring) -> MakeShelf:
    if blobs is None:
        return DatabaseShelf
    return partial(BlobShelf, blobs=blobs, wrap=keyring, encrypt=settings.encrypt)


def sweeper_of(
    settings: BlobSettings,
    blobs: BlobStore | None,
    ledger: BlobLedger,
    clock: Clock,
    metrics: BlobMetrics | None = None,
) -> Sweeper | None:
    if blobs is None:
        return None
    return Sweeper(
        blobs,
        ledger,
        clock=clock,
        age=timedelta(hours=settings.sweep_after_hours),
        keep=timedelta(days=settings.keep_days),
        metrics=metrics,
    )
