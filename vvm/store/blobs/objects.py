# SPDX-License-Identifier: Apache-2.0
"""Blobs in an object store that speaks S3."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store

from vvm.domain.errors import Outage
from vvm.store.blobs.key import is_intact, is_key
from vvm.store.blobs.port import BlobDamaged
from vvm.store.blobs.settings import BlobSettings

_PAGE = 500


class ObjectBlobs:
    """``connections`` requests at a time; each call answers within ``timeout``, waiting included."""

    def __init__(self, store: ObjectStore, *, timeout: timedelta, connections: int) -> None:
        self._store = store
        self._seconds = timeout.total_seconds()
        self._free = asyncio.Semaphore(connections)

    async def put(self, key: str, octets: bytes) -> None:
        async with self._answer():
            await obstore.put_async(self._store, key, octets, use_multipart=False)

    async def get(self, key: str) -> bytes | None:
        async with self._answer():
            try:
                found = await obstore.get_async(self._store, key)
            except FileNotFoundError:
                return None
            octets = bytes(await found.bytes_async())
        if not is_intact(key, octets):
            raise BlobDamaged(f"blob {key}")
        return octets

    async def delete(self, keys: Sequence[str]) -> None:
        async with self._answer():
            try:
                await obstore.delete_async(self._store, list(keys))
            except FileNotFoundError:  # S3 does not mind one that is gone, and others do
                for key in keys:
                    with suppress(FileNotFoundError):
                        await obstore.delete_async(self._store, key)

    async def older(self, than: datetime) -> AsyncIterator[Sequence[str]]:
        listing = obstore.list(self._store, chunk_size=_PAGE).__aiter__()
        while True:
            async with self._answer():
                page = await anext(listing, None)
            if page is None:
                return
            yield [found["path"] for found in page if found["last_modified"] < than and is_key(found["path"])]

    async def close(self) -> None:
        """Connections close with the object."""

    @asynccontextmanager
    async def _answer(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds), self._free:
                yield
        except TimeoutError:
            raise Outage(f"the object store did not answer within {self._seconds:g} s") from None
        except (
            BaseError,
            OSError,
        ) as error:  # its text may name the request, and with it the credentials' id
            raise Outage(f"the object store does not answer: {type(error).__name__}") from error


def s3_store(settings: BlobSettings) -> ObjectStore:
    """The bucket of ``settings.url``.  Nothing is sent yet."""
    bucket, _, prefix = settings.place.partition("/")
    timeout = timedelta(seconds=settings.timeout_seconds)
    return S3Store(
        bucket,
        prefix=prefix or None,
        endpoint=settings.endpoint or None,
        region=settings.region,
        access_key_id=settings.access_key or None,
        secret_access_key=settings.secret_key or None,
        client_options={
            "timeout": timeout,
            "connect_timeout": timeout,
            "allow_http": settings.endpoint.startswith("http://"),
        },
        retry_config={"max_retries": 2, "retry_timeout": timeout},
    )
