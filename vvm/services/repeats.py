# SPDX-License-Identifier: Apache-2.0
"""A request with a key is carried out once: whoever repeats it gets the first answer again.

That it has begun is on disk before it is carried out, and its answer before it is given.  So after a
crash in between nobody knows whether it had its effect: what may be done twice is then done again, and
for the rest the caller is told to look.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from datetime import timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.store.repeats import Attempt, RepeatStore

_NONCE_BYTES = 12


class KeyOfAnother(Refusal):
    """The key came with another request before."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key came with another request: a new request needs a new key")


class InProgress(Refusal):
    code = "request_in_progress"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("the request with this Idempotency-Key is still being carried out")
        self.retry_after = retry_after


class OutcomeUnknown(Refusal):
    """The server stopped, or the store was away, while it was carried out; a second time could do harm."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "nobody knows how this request ended: look, and use a new Idempotency-Key if need be"
        )


class Answer(msgspec.Struct, frozen=True):
    """Of a request that was carried out, whole."""

    status: int
    headers: dict[str, str]
    body: bytes


class Repeats:
    """Keeps answers sealed, because some hold a secret that no other answer ever will."""

    def __init__(self, repeats: RepeatStore, key: bytes, *, clock: Clock) -> None:
        """``key``: 32 octets (Keyring.answer_key)."""
        self._repeats = repeats
        self._cipher = AESGCM(key)
        self._clock = clock

    async def begin(
        self, key: bytes, request: bytes, *, keep: timedelta, busy: timedelta, again: bool
    ) -> Answer | None:
        """None: carry it out, and then ``finish`` or ``release``; else the answer that was given.

        ``key`` and ``request`` as ``digest`` makes them; ``busy`` is the longest that it can take, and
        ``again`` whether it does no harm to carry it out twice.

        Raises KeyOfAnother, InProgress, OutcomeUnknown.
        """
        now = self._clock.now()
        attempt = Attempt(key=key, request=request, busy_until=now + busy, expires_at=now + keep)
        known = await self._repeats.begin(attempt, now=now, again=again)
        if known is None:
            return None
        if known.request != request:
            raise KeyOfAnother
        if known.answer is not None:
            return self._opened(key, known.answer)
        if known.busy_until > now:
            raise InProgress(retry_after=max(1, math.ceil((known.busy_until - now).total_seconds())))
        raise OutcomeUnknown

    async def finish(self, key: bytes, answer: Answer) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, msgspec.msgpack.encode(answer), key)
        await self._repeats.finish(key, sealed)

    async def release(self, key: bytes) -> None:
        """It was refused, and changed nothing."""
        await self._repeats.release(key)

    def _opened(self, key: bytes, sealed: bytes) -> Answer:
        """An answer that another master key sealed is as good as lost.  Raises OutcomeUnknown."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key)
        except InvalidTag:
            raise OutcomeUnknown from None
        return msgspec.msgpack.decode(plain, type=Answer)


def digest(*parts: bytes) -> bytes:
    """Of several octet strings, each with its length, so that none runs into the next."""
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
