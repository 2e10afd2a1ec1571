# SPDX-License-Identifier: Apache-2.0
"""Tokens of the API: made once, shown once, kept as a digest, revoked by name."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

import structlog

from vvm.domain.access import Role, Scope, Token, check_token
from vvm.domain.clock import Clock
from vvm.domain.secrets import Secret
from vvm.store.port import TokenStore

log = structlog.get_logger(__name__)

_PREFIX = "vvm_"
"""So that scanners for lost secrets find one in a repository or a log."""


class Tokens:
    def __init__(self, tokens: TokenStore, *, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def create(
        self,
        name: str,
        role: Role,
        *,
        scopes: frozenset[Scope] = frozenset(),
        rate: float | None = None,
        life: timedelta | None = None,
    ) -> tuple[Token, Secret]:
        """Make a token; what it is can never be told again.  Raises InvalidToken, TokenExists."""
        check_token(name, role, scopes, rate)
        secret = Secret(_PREFIX + secrets.token_urlsafe(32))
        now = self._clock.now()
        token = Token(
            name=name,
            role=role,
            digest=digest(secret.reveal()),
            scopes=scopes,
            rate=rate,
            created_at=now,
            expires_at=None if life is None else now + life,
        )
        await self._tokens.add(token)
        log.info("token_created", token_name=name, role=role.value)
        return token, secret

    async def known(self, text: str) -> Token | None:
        """Whose token this is; None when it is nobody's, or not any more."""
        found = await self._tokens.by_digest(digest(text))
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock.now()):
            return None
        return found

    async def all(self) -> Sequence[Token]:
        """By name, those that have expired too."""
        return await self._tokens.all()

    async def revoke(self, name: str) -> None:
        """No request opens with it from now on.  Raises UnknownToken."""
        await self._tokens.revoke(name)
        log.info("token_revoked", token_name=name)


def digest(text: str) -> bytes:
    """Looked up by equality: that costs the same for a wrong one, and 256 bits cannot be tried."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
