# SPDX-License-Identifier: Apache-2.0
"""The way of a notification: for whose client, by which SMSC, until the phone had it and its client came."""

from __future__ import annotations

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, SECOND, new_subscriber, owed_to
from vvm.domain.notification import Cause, Leased, Owed
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Acceptance, Reported, Settlement, Store, Told

LATER = NOW + MINUTE


def sync_to(subscriber: Subscriber, *, cause: Cause = Cause.NEW_MESSAGE, carrier: str = "red") -> Owed:
    return msgspec.structs.replace(owed_to(subscriber, cause=cause), carrier=carrier)


async def lease(store: Store) -> Leased:
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    return row


async def accept(store: Store, row: Leased, *, message_id: str = "a1") -> None:
    await store.outbox.accepted(row, Acceptance(1, 1, message_id), now=NOW + SECOND)


async def send(
    store: Store, owed: Owed, *, message_id: str = "a1", smsc: str = "north", to_client: bool = True
) -> Leased:
    """Owe and send one, which the SMSC takes a second later."""
    await store.outbox.owe([owed])
    row = await lease(store)
    await accept(store, row, message_id=message_id)
    await store.outbox.settle(row, Settlement.SENT, now=LATER, smsc=smsc, to_client=to_client)
    return row


def told(cause: Cause = Cause.NEW_MESSAGE) -> Told:
    return Told(cause, "red", "north", owed_at=NOW, accepted_at=NOW + SECOND)


async def test_a_row_keeps_its_carrier_and_who_took_it(store: Store, alice: Subscriber) -> None:
    assert (await send(store, sync_to(alice))).carrier == "red"
    (record,) = await store.outbox.history(ALICE, limit=10)
    assert (record.carrier, record.smsc, record.fetched_at) == ("red", "north", None)


async def test_the_carrier_is_that_of_the_newest_cause(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync_to(alice)])
    await store.outbox.owe([sync_to(alice, carrier="blue")])
    assert (await lease(store)).carrier == "blue"


async def test_a_dead_letter_is_owed_again_for_the_same_carrier(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync_to(alice)])
    row = await lease(store)
    await store.outbox.settle(row, Settlement.FAILED, now=NOW)
    assert await store.outbox.resend(row.id, now=NOW, expires_at=LATER)
    assert (await lease(store)).carrier == "red"


async def test_a_receipt_tells_the_way_of_what_it_closes(store: Store, alice: Subscriber) -> None:
    await send(store, sync_to(alice))
    reported = await store.outbox.receipt("a1", Settlement.DELIVERED, now=LATER)
    assert reported == Reported(told())


async def test_a_receipt_that_closes_nothing_tells_no_way(store: Store, alice: Subscriber) -> None:
    """It is for the first of two segments, or it comes again."""
    await store.outbox.owe([sync_to(alice)])
    row = await lease(store)
    for segment in (1, 2):
        await store.outbox.accepted(row, Acceptance(segment, 2, f"a{segment}"), now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW)
    closed = [
        await store.outbox.receipt(message_id, Settlement.DELIVERED, now=LATER)
        for message_id in ("a2", "a1", "a1")
    ]
    assert [None if each is None else each.closed is not None for each in closed] == [False, True, False]


async def test_the_way_is_told_when_the_receipt_overtakes_the_end(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync_to(alice)])
    await accept(store, await lease(store))
    reported = await store.outbox.receipt("a1", Settlement.DELIVERED, now=LATER)
    assert reported is not None
    assert reported.closed is not None
    assert (reported.closed.carrier, reported.closed.accepted_at) == ("red", NOW + SECOND)


# The first fetch


async def test_the_first_fetch_answers_what_the_client_was_told(store: Store, alice: Subscriber) -> None:
    await send(store, sync_to(alice))
    assert await store.outbox.fetched({ALICE: LATER}) == [(told(), LATER)]
    (record,) = await store.outbox.history(ALICE, limit=10)
    assert record.fetched_at == LATER


async def test_a_second_fetch_answers_nothing(store: Store, alice: Subscriber) -> None:
    await send(store, sync_to(alice))
    await store.outbox.fetched({ALICE: LATER})
    assert await store.outbox.fetched({ALICE: LATER + MINUTE}) == []


async def test_one_fetch_answers_everything_told_until_then(store: Store, alice: Subscriber) -> None:
    await send(store, sync_to(alice), message_id="a1")
    await send(store, sync_to(alice, cause=Cause.MAILBOX_UPDATE), message_id="a2")
    await store.outbox.receipt("a2", Settlement.DELIVERED, now=LATER)
    answered = await store.outbox.fetched({ALICE: LATER})
    assert [way.cause for way, _ in answered] == [Cause.NEW_MESSAGE, Cause.MAILBOX_UPDATE]


async def test_who_fetches_before_being_told_was_not_told(store: Store, alice: Subscriber) -> None:
    """Its session was open; and no later fetch is taken for the answer to that SMS."""
    await store.outbox.owe([sync_to(alice)])
    row = await lease(store)
    assert await store.outbox.fetched({ALICE: NOW}) == []
    await accept(store, row)
    await store.outbox.settle(row, Settlement.SENT, now=LATER, smsc="north", to_client=True)
    assert await store.outbox.fetched({ALICE: LATER + MINUTE}) == []


async def test_a_fetch_before_the_cause_answers_nothing_of_it(store: Store, alice: Subscriber) -> None:
    await send(store, sync_to(alice))
    assert await store.outbox.fetched({ALICE: NOW - SECOND}) == []
    assert len(await store.outbox.fetched({ALICE: LATER})) == 1


async def test_what_joins_after_a_fetch_waits_for_another(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync_to(alice)])
    assert await store.outbox.fetched({ALICE: NOW}) == []
    await send(store, sync_to(alice))
    answered = await store.outbox.fetched({ALICE: LATER})
    assert [way.cause for way, _ in answered] == [Cause.MAILBOX_UPDATE]


async def test_a_fetch_answers_neither_a_status_nor_what_a_person_read(
    store: Store, alice: Subscriber
) -> None:
    await send(store, sync_to(alice, cause=Cause.STATUS), message_id="a1")
    await send(store, sync_to(alice), message_id="a2", to_client=False)
    assert await store.outbox.fetched({ALICE: LATER}) == []


@pytest.mark.parametrize("settlement", [Settlement.FAILED, Settlement.EXPIRED])
async def test_a_phone_that_was_not_reached_fetches_by_itself(
    store: Store, alice: Subscriber, settlement: Settlement
) -> None:
    await send(store, sync_to(alice))
    await store.outbox.receipt("a1", settlement, now=LATER)
    assert await store.outbox.fetched({ALICE: LATER}) == []


async def test_fetches_of_several_are_told_apart(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await send(store, sync_to(alice), message_id="a1")
    await send(store, sync_to(bob, carrier="blue"), message_id="b1", smsc="south")
    answered = await store.outbox.fetched({BOB: LATER, ALICE: LATER + SECOND})
    assert {(way.carrier, way.smsc, at) for way, at in answered} == {
        ("red", "north", LATER + SECOND),
        ("blue", "south", LATER),
    }
    assert await store.outbox.fetched({}) == []
