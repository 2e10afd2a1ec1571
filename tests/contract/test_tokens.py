# SPDX-License-Identifier: Apache-2.0
"""What TokenStore promises."""

from __future__ import annotations

import msgspec
import pytest

from tests.contract.samples import MINUTE, NOW
from vvm.domain.access import Role, Scope, Token, TokenExists, UnknownToken
from vvm.store.port import Store

CRM = Token(
    name="crm",
    role=Role.SUPPORT,
    digest=b"\x07" * 32,
    scopes=frozenset({Scope.AUDIT_READ, Scope.MESSAGE_READ}),
    rate=2.5,
    created_at=NOW,
    expires_at=NOW + MINUTE,
)
PBX = Token(name="pbx", role=Role.DEPOSIT, digest=b"\x08" * 32, created_at=NOW)


async def test_a_token_is_found_by_its_digest_alone(store: Store) -> None:
    for token in (PBX, CRM):
        await store.tokens.add(token)
    assert await store.tokens.by_digest(CRM.digest) == CRM
    assert await store.tokens.by_digest(PBX.digest) == PBX
    assert await store.tokens.by_digest(b"\x09" * 32) is None
    assert list(await store.tokens.all()) == [CRM, PBX]


async def test_a_name_is_given_once(store: Store) -> None:
    await store.tokens.add(CRM)
    with pytest.raises(TokenExists):
        await store.tokens.add(msgspec.structs.replace(PBX, name="crm"))
    assert list(await store.tokens.all()) == [CRM]


async def test_a_token_that_is_revoked_is_gone(store: Store) -> None:
    await store.tokens.add(CRM)
    await store.tokens.revoke("crm")
    assert await store.tokens.by_digest(CRM.digest) is None
    with pytest.raises(UnknownToken):
        await store.tokens.revoke("crm")
