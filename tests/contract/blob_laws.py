# SPDX-License-Identifier: Apache-2.0
"""What every place for blobs must do; tests/peers runs the same over a server of S3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from vvm.store.blobs.key import new_key
from vvm.store.blobs.port import BlobDamaged, BlobStore

OCTETS = b"#!AMR\n" + bytes(range(256)) * 40
ENDLESS = datetime(2100, 1, 1, tzinfo=UTC)

Law = Callable[[BlobStore], object]


async def older(blobs: BlobStore, than: datetime) -> set[str]:
    return {key async for keys in blobs.older(than) for key in keys}


async def put(blobs: BlobStore, octets: bytes = OCTETS) -> str:
    key = new_key(octets)
    await blobs.put(key, octets)
    return key


async def what_was_put_is_there(blobs: BlobStore) -> None:
    key, empty = await put(blobs), await put(blobs, b"")
    assert await blobs.get(key) == OCTETS
    assert await blobs.get(empty) == b""


async def the_same_octets_are_two_blobs(blobs: BlobStore) -> None:
    first, second = await put(blobs), await put(blobs)
    await blobs.delete([first])
    assert (await blobs.get(first), await blobs.get(second)) == (None, OCTETS)


async def what_was_never_put_is_not_there(blobs: BlobStore) -> None:
    assert await blobs.get(new_key(OCTETS)) is None


async def to_put_again_changes_nothing(blobs: BlobStore) -> None:
    key = await put(blobs)
    await blobs.put(key, OCTETS)
    assert await blobs.get(key) == OCTETS


async def to_delete_what_is_gone_is_no_matter(blobs: BlobStore) -> None:
    key, other, unknown = await put(blobs), await put(blobs), new_key(OCTETS)
    await blobs.delete([unknown, key, unknown, other])
    await blobs.delete([key, other])
    assert (await blobs.get(key), await blobs.get(other)) == (None, None)


async def the_old_ones_are_listed_and_no_others(blobs: BlobStore) -> None:
    assert await older(blobs, ENDLESS) == set()
    keys = {await put(blobs, bytes([number])) for number in range(20)}
    assert await older(blobs, ENDLESS) == keys
    assert await older(blobs, datetime.now(UTC) - timedelta(hours=1)) == set()


async def a_damaged_blob_is_not_given_out(blobs: BlobStore) -> None:
    key = new_key(OCTETS)
    await blobs.put(key, OCTETS[:-1])
    with pytest.raises(BlobDamaged):
        await blobs.get(key)


LAWS: tuple[Law, ...] = (
    what_was_put_is_there,
    the_same_octets_are_two_blobs,
    what_was_never_put_is_not_there,
    to_put_again_changes_nothing,
    to_delete_what_is_gone_is_no_matter,
    the_old_ones_are_listed_and_no_others,
    a_damaged_blob_is_not_given_out,
)
