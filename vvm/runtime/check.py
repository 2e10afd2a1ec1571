# SPDX-License-Identifier: Apache-2.0
"""The check of a store: every damage that there may be is looked for, and what is safe is repaired."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from vvm.config.sections import StoreSettings
from vvm.store.blobs.port import BlobDamaged, BlobStore
from vvm.store.check import DAMAGES, Damage, Found, Inspector
from vvm.store.postgres.check import inspect_postgres
from vvm.store.sqlite.check import inspect_sqlite

_PLACES = 20
_PAGE = 500

Progress = Callable[[str], None]
"""Hears which damage is looked for."""


class Finding(msgspec.Struct, frozen=True):
    """What was found of one damage, and what became of it."""

    damage: str
    count: int
    places: Sequence[str]
    meaning: str
    advice: str
    repaired: bool
    """It was there and is no more."""


def inspect(settings: StoreSettings) -> AbstractAsyncContextManager[Inspector]:
    if settings.path is not None:
        return inspect_sqlite(settings.path)
    return inspect_postgres(settings.url, settings.postgres)


async def check(
    inspector: Inspector, blobs: BlobStore | None, *, repair: bool, progress: Progress
) -> AsyncIterator[Finding]:
    """What is wrong.  ``blobs``: read each blob too.  Raises Outage."""
    for damage in DAMAGES:
        if not inspector.knows(damage.name):
            continue
        progress(damage.name)
        found = await inspector.find(damage.name, most=_PLACES)
        if found is None:
            continue
        repaired = False
        if repair and inspector.repairs(damage.name):
            await inspector.repair(damage.name)
            repaired = await inspector.find(damage.name, most=1) is None
        yield _finding(damage, found, repaired=repaired)
    if blobs is not None:
        progress("blobs")
        async for finding in _read_blobs(inspector, blobs):
            yield finding


async def _read_blobs(inspector: Inspector, blobs: BlobStore) -> AsyncIterator[Finding]:
    bad: dict[str, list[str]] = {"blob_missing": [], "blob_damaged": []}
    after = ""
    while keys := await inspector.blobs(after=after, limit=_PAGE):
        for key in keys:
            try:
                if await blobs.get(key) is None:
                    bad["blob_missing"].append(key)
            except BlobDamaged:
                bad["blob_damaged"].append(key)
        after = keys[-1]
    for damage in DAMAGES:
        if places := bad.get(damage.name):
            yield _finding(damage, Found(len(places), places[:_PLACES]), repaired=False)


def _finding(damage: Damage, found: Found, *, repaired: bool) -> Finding:
    return Finding(damage.name, found.count, found.places, damage.meaning, damage.advice, repaired)
