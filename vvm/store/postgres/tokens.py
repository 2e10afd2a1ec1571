# SPDX-License-Identifier: Apache-2.0
"""API tokens in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from vvm.domain.access import Token, TokenExists, UnknownToken
from vvm.store import rows
from vvm.store.postgres.engine import Database, statements

_SQL = statements("tokens.sql")


class PostgresTokens:
    """vvm.store.tokens.TokenStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: Token) -> None:
        values = {
            "name": token.name,
            "role": token.role.value,
            "digest": token.digest,
            "scopes": " ".join(sorted(token.scopes)),
            "rate": token.rate,
            "created_at": rows.microseconds(token.created_at),
            "expires_at": None if token.expires_at is None else rows.microseconds(token.expires_at),
        }
        if not await self._database.decide(_SQL["insert_token"], values):
            raise TokenExists

    async def by_digest(self, digest: bytes) -> Token | None:
        row = await self._database.one(_SQL["token_by_digest"], {"digest": digest})
        return None if row is None else rows.token(row)

    async def all(self) -> Sequence[Token]:
        return [rows.token(row) for row in await self._database.all(_SQL["tokens"])]

    async def revoke(self, name: str) -> None:
        if not await self._database.decide(_SQL["delete_token"], {"name": name}):
            raise UnknownToken
