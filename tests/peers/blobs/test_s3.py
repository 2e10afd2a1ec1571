# SPDX-License-Identifier: Apache-2.0
"""Blobs in a server of S3: the laws of every place, and the whole store over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.contract.blob_laws import ENDLESS, LAWS, OCTETS, older
from tests.contract.samples import NOW, new_message, new_subscriber
from tests.peers.blobs.moto_server import BUCKET, s3_server
from vvm.domain.clock import SystemClock
from vvm.domain.errors import Outage
from vvm.domain.message import INBOX, Flags
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.services.sweeping import Sweeper
from vvm.store.blobs.key import new_key
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.port import BlobStore
from vvm.store.blobs.settings import BlobSettings
from vvm.store.blobs.shelf import BlobShelf
from vvm.store.sqlite import open_sqlite

pytestmark = pytest.mark.peers


def place(endpoint: str, **settings: Any) -> BlobStore:
    defaults = {"url": f"s3://{BUCKET}/eu/1", "timeout_seconds": 30.0}
    made = blob_store(
        BlobSettings(endpoint=endpoint, access_key="id", secret_key="secret", **defaults | settings)
    )
    assert made is not None
    return made


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    async with s3_server() as address:
        yield address


@pytest.mark.parametrize("cached", [False, True], ids=["bare", "cached"])
async def test_laws(endpoint: str, tmp_path: Path, *, cached: bool) -> None:
    for law in LAWS:  # a server costs more than the laws
        prefix = f"s3://{BUCKET}/{law.__name__}"  # type: ignore[attr-defined]  # they are functions
        cache = str(tmp_path / law.__name__) if cached else ""  # type: ignore[attr-defined]  # as above
        blobs = place(endpoint, url=prefix, cache_directory=cache)
        await law(blobs)  # type: ignore[misc]  # and coroutines
        await blobs.close()


async def test_long_lists_come_in_pages(endpoint: str) -> None:
    blobs = place(endpoint)
    keys = {new_key(bytes([number % 256])): bytes([number % 256]) for number in range(1100)}
    for key, octets in keys.items():
        await blobs.put(key, octets)
    assert await older(blobs, ENDLESS) == set(keys)
    await blobs.delete(list(keys)[:1000])
    assert await older(blobs, ENDLESS) == set(list(keys)[1000:])


async def test_a_bucket_that_is_not_there_is_an_outage(endpoint: str) -> None:
    blobs = place(endpoint, url="s3://another-bucket/x")
    with pytest.raises(Outage):
        await blobs.put(new_key(OCTETS), OCTETS)


async def test_a_message_lives_and_dies_in_the_bucket(endpoint: str, tmp_path: Path) -> None:
    blobs = place(endpoint)
    shelf = partial(BlobShelf, blobs=blobs, wrap=Keyring(bytes(MASTER_KEY_BYTES)), encrypt=True)
    async with open_sqlite(tmp_path / "vvm.db", shelf=shelf) as store:
        alice = await store.subscribers.create(new_subscriber())
        stored = await store.mailboxes.append(alice.mailbox, INBOX, new_message(OCTETS))
        assert await store.mailboxes.octets(alice.mailbox, INBOX, stored.uid) == OCTETS
        assert len(await older(blobs, ENDLESS)) == 1
        await store.mailboxes.change_flags(
            alice.mailbox, INBOX, [stored.uid], add=Flags.DELETED, remove=Flags(0)
        )
        await store.mailboxes.expunge(alice.mailbox, INBOX, None)
        assert await Sweeper(blobs, store.blobs, clock=SystemClock(), age=ENDLESS - NOW)() == 1
        assert await older(blobs, ENDLESS) == set()
