# SPDX-License-Identifier: Apache-2.0
"""Where the octets of messages lie: every adapter of the store asks this before it writes, after it read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import msgspec
import structlog

from vvm.domain.errors import Outage, Refusal, UnknownMessage
from vvm.domain.subscriber import MailboxId
from vvm.store.blobs.key import is_sealed, new_key
from vvm.store.blobs.port import Blob, BlobDamaged, BlobLedger, BlobStore
from vvm.store.blobs.seal import KeyWrap, Seal
from vvm.store.port import NewMessage

log = structlog.get_logger(__name__)

Look = Callable[[], Awaitable[bytes | Blob | None]]
"""Reads of a row where the octets are; None when there is no such message."""


class Shelf(Protocol):
    def shelved(
        self, mailbox: MailboxId, messages: Sequence[NewMessage]
    ) -> AbstractAsyncContextManager[Sequence[NewMessage]]:
        """The messages as their rows are to be written inside the block.  Raises Outage."""
        ...

    async def read(self, mailbox: MailboxId, look: Look) -> bytes | None:
        """The octets of a message; None when it is gone.  Raises Outage."""
        ...


MakeShelf = Callable[[BlobLedger], Shelf]


class DatabaseShelf:
    """Octets lie in the row."""

    def __init__(self, ledger: BlobLedger) -> None:
        del ledger

    @asynccontextmanager
    async def shelved(
        self, mailbox: MailboxId, messages: Sequence[NewMessage]
    ) -> AsyncIterator[Sequence[NewMessage]]:
        del mailbox
        yield messages

    async def read(self, mailbox: MailboxId, look: Look) -> bytes | None:
        del mailbox
        found = await look()
        if isinstance(found, Blob):
            raise Outage("the message lies in a blob, and blobs.url does not say where blobs are")
        return found


class BlobShelf:
    """Octets lie in a BlobStore; the row names their blob.

    The blob first, then the row: a crash between them leaves a blob that no row names, and the
    sweeper takes it.  What was stored before blobs were turned on is read from its row.
    """

    def __init__(self, ledger: BlobLedger, *, blobs: BlobStore, wrap: KeyWrap, encrypt: bool) -> None:
        self._blobs = blobs
        self._seal = Seal(ledger, wrap)
        self._encrypt = encrypt

    @asynccontextmanager
    async def shelved(
        self, mailbox: MailboxId, messages: Sequence[NewMessage]
    ) -> AsyncIterator[Sequence[NewMessage]]:
        placed: list[str] = []
        try:
            yield [await self._place(mailbox, message, placed) for message in messages]
        except Refusal:  # nothing was stored; after an Outage nobody knows, and the sweeper finds out
            await self._drop(placed)
            raise

    async def read(self, mailbox: MailboxId, look: Look) -> bytes | None:
        found = await look()
        if not isinstance(found, Blob):
            return found
        try:
            octets = await self._blobs.get(found.key)
            if octets is None:
                await self._require_gone(mailbox, found, look)
                return None
            return await self._seal.open(mailbox, octets) if is_sealed(found.key) else octets
        except UnknownMessage:  # the mailbox went, and its key with it
            return None
        except BlobDamaged as damaged:
            log.error("blob_damaged", mailbox=mailbox, blob=found.key, error=str(damaged))  # noqa: TRY400 - no bug of ours to trace
            raise

    async def _require_gone(self, mailbox: MailboxId, blob: Blob, look: Look) -> None:
        """Nothing is wrong when the message was expunged meanwhile.  Raises Outage when it was not."""
        if await look() is not None:
            log.error("blob_missing", mailbox=mailbox, blob=blob.key)
            raise Outage("a blob is missing")

    async def _place(self, mailbox: MailboxId, message: NewMessage, placed: list[str]) -> NewMessage:
        original = message.original
        if original is not None:
            blob = await self._put(mailbox, original.octets, placed)
            original = msgspec.structs.replace(original, octets=blob)
        blob = await self._put(mailbox, message.octets, placed)
        return msgspec.structs.replace(message, octets=blob, original=original)

    async def _put(self, mailbox: MailboxId, octets: bytes | Blob, placed: list[str]) -> Blob:
        if isinstance(octets, Blob):
            return octets
        stored = await self._seal.close(mailbox, octets) if self._encrypt else octets
        key = new_key(stored, sealed=self._encrypt)
        placed.append(key)
        await self._blobs.put(key, stored)
        return Blob(key=key, size=len(octets))

    async def _drop(self, keys: Sequence[str]) -> None:
        try:
            await self._blobs.delete(keys)
        except Outage as outage:
            log.warning("blobs_left", count=len(keys), error=str(outage))
