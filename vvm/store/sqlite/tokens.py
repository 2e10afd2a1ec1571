# SPDX-License-Identifier: Apache-2.0
"""API tokens in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from vvm.domain.access import Role, Scope, Token, TokenExists, UnknownToken
from vvm.store.sql import named_statements
from vvm.store.sqlite import rows
from vvm.store.sqlite.engine import Reader, Row, Writer

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
        return None if row is None else _token(row)

    async def all(self) -> Sequence[Token]:
        return [_token(row) for row in self._reader.all(_SQL["tokens"])]

    async def revoke(self, name: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_SQL["delete_token"], (name,)).fetchone() is None:
                raise UnknownToken

        await self._write(work)


def _token(row: Row) -> Token:
    return Token(
        name=row[0],
        role=Role(row[1]),
        digest=row[2],
        scopes=frozenset(map(Scope, row[3].split())),
        rate=row[4],
        created_at=rows.moment(row[5]),
        expires_at=rows.moment_or_none(row[6]),
    )
