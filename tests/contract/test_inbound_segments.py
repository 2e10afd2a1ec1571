# SPDX-License-Identifier: Apache-2.0
"""What InboundStore promises about SMS that come in pieces: no piece that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.contract.adapters import DURABLE_STORES, parameters
from tests.contract.samples import MINUTE, NOW, new_inbound
from vvm.store.port import NewInboundSegment, Store

MANY = 1000


def piece(
    number: int, *, key: str = "a", handset: str = "", total: int = 2, after: timedelta = timedelta()
) -> NewInboundSegment:
    return NewInboundSegment(
        key=handset + key,
        handset=handset,
        number=number,
        total=total,
        octets=f"{key}{number}".encode(),
        received_at=NOW + after,
        expires_at=NOW + after + MINUTE,
    )


async def keep(
    store: Store, *pieces: NewInboundSegment, limit: int = MANY, each: int = MANY
) -> list[list[bytes]]:
    return [list(await store.inbound.save_segment(one, limit=limit, each=each)) for one in pieces]


async def test_pieces_come_out_in_order_once_none_is_missing(store: Store) -> None:
    pieces = [piece(number, total=3) for number in (3, 1, 2)]
    assert await keep(store, *pieces) == [[], [], [b"a1", b"a2", b"a3"]]


async def test_a_piece_that_comes_again_replaces_itself(store: Store) -> None:
    assert await keep(store, piece(2), piece(2)) == [[], []]
    other = msgspec.structs.replace(piece(2), octets=b"new")
    assert await keep(store, other, piece(1)) == [[], [b"a1", b"new"]]


async def test_pieces_stay_until_their_sms_is_kept(store: Store) -> None:
    await keep(store, piece(1))
    assert await keep(store, piece(2), piece(2)) == [[b"a1", b"a2"]] * 2
    assert await store.inbound.save(msgspec.structs.replace(new_inbound(), segments_key="a"))
    assert await keep(store, piece(2)) == [[]]


async def test_a_repeated_sms_takes_its_pieces_away_too(store: Store) -> None:
    sms = msgspec.structs.replace(new_inbound(), segments_key="a")
    await store.inbound.save(sms)
    await keep(store, piece(1))
    assert await store.inbound.save(sms) is False
    assert await keep(store, piece(2)) == [[]]


async def test_an_sms_in_one_piece_takes_none_away(store: Store) -> None:
    await keep(store, piece(1))
    await store.inbound.save(new_inbound())
    assert await keep(store, piece(2)) == [[b"a1", b"a2"]]


async def test_sms_do_not_mix(store: Store) -> None:
    await keep(store, piece(1), piece(2, key="b"))
    assert await keep(store, piece(2), piece(1, key="b")) == [[b"a1", b"a2"], [b"b1", b"b2"]]


async def test_pieces_expire(store: Store) -> None:
    await keep(store, piece(1))
    assert await keep(store, piece(2, after=MINUTE)) == [[]]
    assert await keep(store, piece(1, after=MINUTE)) == [[b"a1", b"a2"]]


async def test_over_the_limit_the_oldest_goes(store: Store) -> None:
    second = timedelta(seconds=1)
    await keep(store, piece(1), piece(1, key="b", after=second), piece(1, key="c", after=2 * second), limit=2)
    assert await keep(store, piece(2, key="b", after=second), limit=2) == [[b"b1", b"b2"]]
    assert await keep(store, piece(2), limit=3) == [[]]


async def test_at_the_limit_the_piece_that_has_just_come_stays(store: Store) -> None:
    await keep(store, piece(1), piece(1, key="b"), limit=1)
    assert await keep(store, piece(2, key="b"), limit=1) == [[b"b1", b"b2"]]


async def test_a_handset_that_never_finishes_its_sms_takes_the_room_of_no_other(store: Store) -> None:
    second = timedelta(seconds=1)
    await keep(store, piece(1, handset="+331"))
    many = [piece(1, key=key, handset="+332", after=second) for key in "abc"]
    await keep(store, *many, each=2)
    assert await keep(store, piece(2, handset="+331"), each=2) == [[b"a1", b"a2"]]
    assert await keep(store, piece(2, key="c", handset="+332", after=second), each=2) == [[b"c1", b"c2"]]


async def test_of_pieces_at_once_the_last_one_finds_all(store: Store) -> None:
    pieces = [
        store.inbound.save_segment(piece(number, total=5), limit=MANY, each=MANY) for number in range(1, 6)
    ]
    whole = [answer for answer in await asyncio.gather(*pieces) if answer]
    assert [list(answer) for answer in whole] == [[b"a1", b"a2", b"a3", b"a4", b"a5"]]


@pytest.mark.parametrize("adapter", parameters(DURABLE_STORES))
async def test_pieces_are_there_after_a_restart(adapter: str, tmp_path: Path) -> None:
    open_store = DURABLE_STORES[adapter]
    async with open_store(tmp_path) as store:
        await keep(store, piece(1))
    async with open_store(tmp_path) as store:
        assert await keep(store, piece(2)) == [[b"a1", b"a2"]]
