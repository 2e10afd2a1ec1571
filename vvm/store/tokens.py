# SPDX-License-Identifier: Apache-2.0
"""The port of API tokens.  A part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vvm.domain.access import Token


class TokenStore(Protocol):
    async def add(self, token: Token) -> None:
        """Raises TokenExists when the name is taken."""
        ...

    async def by_digest(self, digest: bytes) -> Token | None: ...

    async def all(self) -> Sequence[Token]:
        """By name."""
        ...

    async def revoke(self, name: str) -> None:
        """Forget a token: no request opens with it any more.  Raises UnknownToken."""
        ...
