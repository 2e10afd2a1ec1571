# SPDX-License-Identifier: Apache-2.0
"""Blobs that nobody can read without a key of their mailbox, which lies wrapped in the database.

AES-256-GCM with a random nonce; the mailbox is authenticated along, so that a blob of another one
does not open.  Who deletes the wrapped key has erased every copy of every blob of that mailbox.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Protocol

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vvm.domain.errors import UnknownMessage
from vvm.domain.subscriber import MailboxId
from vvm.store.blobs.port import BlobDamaged, BlobLedger

log = structlog.get_logger(__name__)

_NONCE_BYTES = 12
_KEY_BYTES = 32
_REMEMBERED = 10_000
"""Keys in memory; the others cost one read of a row."""


class KeyWrap(Protocol):
    """The master key's part (services.credentials)."""

    def wrap(self, key: bytes, owner: str) -> bytes: ...

    def unwrap(self, wrapped: bytes, owner: str) -> bytes:
        """Raises SealBroken, a Refusal, when another master key wrapped it."""
        ...


class Seal:
    def __init__(self, ledger: BlobLedger, wrap: KeyWrap) -> None:
        self._ledger = ledger
        self._wrap = wrap
        self._keys: OrderedDict[MailboxId, AESGCM] = OrderedDict()

    async def close(self, mailbox: MailboxId, octets: bytes) -> bytes:
        """Raises UnknownMessage when the mailbox is gone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + (await self._key(mailbox)).encrypt(nonce, octets, _owner(mailbox).encode())

    async def open(self, mailbox: MailboxId, sealed: bytes) -> bytes:
        """Raises BlobDamaged, and UnknownMessage when the mailbox is gone."""
        key = await self._key(mailbox)
        try:
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _owner(mailbox).encode())
        except (InvalidTag, ValueError):
            raise BlobDamaged(f"a blob of mailbox {mailbox} does not open with its key") from None

    async def _key(self, mailbox: MailboxId) -> AESGCM:
        known = self._keys.get(mailbox)
        if known is not None:
            self._keys.move_to_end(mailbox)
            return known
        fresh = self._wrap.wrap(secrets.token_bytes(_KEY_BYTES), _owner(mailbox))
        wrapped = await self._ledger.data_key(mailbox, fresh)
        if wrapped is None:
            raise UnknownMessage
        key = self._keys[mailbox] = AESGCM(self._wrap.unwrap(wrapped, _owner(mailbox)))
        if len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)
        return key


def _owner(mailbox: MailboxId) -> str:
    return f"mailbox {mailbox}"
