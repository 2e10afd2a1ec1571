# SPDX-License-Identifier: Apache-2.0
"""API tokens in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from vvm.domain.access import Token, TokenExists, UnknownToken
from vvm.store import rows
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "tokens.sql")


class SqliteTokens:
    """vvm.store.tokens.TokenStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

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

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_SQL["insert_token"], values).fetchone() is None:
                raise TokenExists

        await self._write(work)

    async def by_digest(self, digest: bytes) -> Token | None:
        row = self._reader.one(_SQL["token_by_digest"], (digest,))
        return None if row is None else rows.token(row)

    async def all(self) -> Sequence[Token]:
        return [rows.token(row) for row in self._reader.all(_SQL["tokens"])]

    async def revoke(self, name: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_SQL["delete_token"], (name,)).fetchone() is None:
                raise UnknownToken

        await self._write(work)
