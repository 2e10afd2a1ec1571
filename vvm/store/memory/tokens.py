# SPDX-License-Identifier: Apache-2.0
"""The TokenStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence

from vvm.domain.access import Token, TokenExists, UnknownToken


class MemoryTokens:
    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    async def add(self, token: Token) -> None:
        if token.name in self._tokens:
            raise TokenExists
        self._tokens[token.name] = token

    async def by_digest(self, digest: bytes) -> Token | None:
        return next((token for token in self._tokens.values() if token.digest == digest), None)

    async def all(self) -> Sequence[Token]:
        return [self._tokens[name] for name in sorted(self._tokens)]

    async def revoke(self, name: str) -> None:
        if self._tokens.pop(name, None) is None:
            raise UnknownToken
