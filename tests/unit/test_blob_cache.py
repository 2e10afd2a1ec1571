# SPDX-License-Identifier: Apache-2.0
"""Local copies of remote blobs: faster, never wrong, never endless."""

from __future__ import annotations

import os
from pathlib import Path

from vvm.store.blobs.cache import CachedBlobs
from vvm.store.blobs.key import new_key
from vvm.store.blobs.memory import MemoryBlobs

OCTETS = bytes(1000)


async def put(cache: CachedBlobs, octets: bytes = OCTETS) -> str:
    key = new_key(octets)
    await cache.put(key, octets)
    return key


async def test_what_was_put_is_read_without_the_source(tmp_path: Path) -> None:
    source = MemoryBlobs()
    cache = CachedBlobs(source, tmp_path, max_bytes=10_000)
    key = await put(cache)
    source.blobs.clear()
    assert await cache.get(key) == OCTETS


async def test_what_was_read_once_is_read_without_the_source(tmp_path: Path) -> None:
    source = MemoryBlobs()
    cache = CachedBlobs(source, tmp_path, max_bytes=10_000)
    key = new_key(OCTETS)
    await source.put(key, OCTETS)
    assert await cache.get(key) == OCTETS
    source.blobs.clear()
    assert await cache.get(key) == OCTETS


async def test_a_damaged_copy_is_read_from_the_source_again(tmp_path: Path) -> None:
    cache = CachedBlobs(MemoryBlobs(), tmp_path, max_bytes=10_000)
    key = await put(cache)
    (tmp_path / key).write_bytes(OCTETS[:-1] + b"\x01")
    assert await cache.get(key) == OCTETS
    assert (tmp_path / key).read_bytes() == OCTETS


async def test_the_least_recently_read_go_first(tmp_path: Path) -> None:
    cache = CachedBlobs(MemoryBlobs(), tmp_path, max_bytes=5000)
    keys = [await put(cache, bytes([number]) * 1000) for number in range(5)]
    for age, key in enumerate(reversed(keys[1:]), start=1):
        os.utime(tmp_path / key, (age, age))  # the last was read longest ago, the first just now
    newest = await put(cache, b"\xff" * 1000)
    assert {path.name for path in tmp_path.iterdir()} == {*keys[:4], newest}


async def test_it_never_holds_much_more_than_it_may(tmp_path: Path) -> None:
    cache = CachedBlobs(MemoryBlobs(), tmp_path, max_bytes=5000)
    for number in range(50):
        await put(cache, bytes([number]) * 700)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5000


async def test_deleted_is_deleted_here_too(tmp_path: Path) -> None:
    cache = CachedBlobs(MemoryBlobs(), tmp_path, max_bytes=5000)
    key = await put(cache)
    await cache.delete([key])
    assert await cache.get(key) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_cache_that_cannot_be_written_costs_speed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the directory should be")
    cache = CachedBlobs(MemoryBlobs(), tmp_path / "cache", max_bytes=5000)
    key = await put(cache)
    assert await cache.get(key) == OCTETS
    await cache.delete([key])
    assert await cache.get(key) is None
