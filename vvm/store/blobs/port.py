# SPDX-License-Identifier: Apache-2.0
"""What the store asks of a place for octets, and what it keeps in its database about them.

A blob is put before the row that names it, and deleted after that row.  Its key is never used
twice, so that a key to which no row points is free for ever as soon as the database says so: that
is ``BlobLedger.condemn``, and why the sweeper may run at any time.  Why: docs/adr/0011-blobs.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.errors import Outage
from vvm.domain.subscriber import MailboxId


class Blob(msgspec.Struct, frozen=True):
    """Octets that lie in a BlobStore; ``len()`` is theirs."""

    key: str
    size: int

    def __len__(self) -> int:
        return self.size


class BlobSwept(Outage):
    """The blob waited so long for its row that the sweeper took it; nothing was stored."""

    code = "blob_swept"

    def __init__(self) -> None:
        super().__init__("the blob was swept before its message was stored: deposit it again")


class BlobDamaged(Outage):
    """The octets are not those that were put."""

    code = "blob_damaged"


class BlobStore(Protocol):
    """A place for octets.  Every method may raise Outage."""

    async def put(self, key: str, octets: bytes) -> None:
        """Keep octets under the key that ``vvm.store.blobs.key`` made for them.  Durable when it returns."""
        ...

    async def get(self, key: str) -> bytes | None:
        """None when there is no such blob.  Raises BlobDamaged."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove blobs and what was begun of them; those that are gone already are no matter."""
        ...

    def older(self, than: datetime) -> AsyncIterator[Sequence[str]]:
        """Keys of the blobs, and of those only begun, that were put before then; some at a time.

        One that is put or deleted meanwhile may be among them or not.
        """
        ...

    async def close(self) -> None: ...


class BlobLedger(Protocol):
    """What the database knows of blobs.  A method is one transaction, as in ``vvm.store.port``."""

    async def condemn(self, keys: Sequence[str], *, at: datetime) -> Sequence[str]:
        """Answer those that no message has, and see to it that none ever will.

        To store a message with one of them raises BlobSwept from now on.
        """
        ...

    async def loose(self, *, limit: int, before: datetime | None = None) -> Sequence[str]:
        """Blobs that wait to be deleted, condemned or without their last message since before then.

        None: however short the time.
        """
        ...

    async def deleted(self, keys: Sequence[str]) -> None:
        """These wait no more."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Forget blobs that were condemned before then and are deleted; how many they were."""
        ...

    async def in_use(self) -> bool:
        """Some message lies in a blob."""
        ...

    async def data_key(self, mailbox: MailboxId, fresh: bytes) -> bytes | None:
        """The wrapped key of a mailbox: ``fresh`` when it had none.  None when the mailbox is gone.

        It goes with the mailbox, and with it whatever it has encrypted.
        """
        ...
