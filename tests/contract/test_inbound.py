# SPDX-License-Identifier: Apache-2.0
"""What InboundStore promises: an SMS is kept until all that it causes is done, and does it once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_inbound, owed_to
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.notification import Leased
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.store.port import Inbound, NewInbound, Store, SubscriberChange

READY = SubscriberChange(changed_at=NOW + MINUTE, status=ProvisioningStatus.READY)


async def pending(store: Store) -> list[Inbound]:
    return list(await store.inbound.pending(limit=100))


async def leased(store: Store) -> list[Leased]:
    return list(await store.outbox.lease(now=NOW, lease=MINUTE, limit=100))


async def saved(store: Store, key: str = "k1") -> Inbound:
    assert await store.inbound.save(new_inbound(key))
    return (await pending(store))[-1]


async def test_a_saved_sms_waits_as_it_came(store: Store) -> None:
    assert await store.inbound.save(new_inbound(text="Activate:pv=11;ct=X")) is True
    (sms,) = await pending(store)
    assert sms == Inbound(
        id=sms.id, originator=ALICE, destination="5511", text="Activate:pv=11;ct=X", received_at=NOW
    )


async def test_a_redelivered_sms_changes_nothing(store: Store) -> None:
    await store.inbound.save(new_inbound("k1", text="first"))
    assert await store.inbound.save(new_inbound("k1", text="second")) is False
    assert [sms.text for sms in await pending(store)] == ["first"]


async def test_a_redelivered_sms_is_known_after_it_was_settled(store: Store) -> None:
    sms = await saved(store)
    await store.inbound.settle(sms.id, msisdn=None, change=None, owed=())
    assert await store.inbound.save(new_inbound()) is False
    assert await pending(store) == []


async def test_of_many_redeliveries_at_once_one_is_kept(store: Store) -> None:
    answers = await asyncio.gather(*(store.inbound.save(new_inbound()) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]
    assert len(await pending(store)) == 1


def heard(key: str, *, seconds: int = 0, named: bool = False, originator: str = ALICE) -> NewInbound:
    """The SMS of this key, so long after the first, in a window of a minute."""
    at = NOW + timedelta(seconds=seconds)
    return msgspec.structs.replace(
        new_inbound(key),
        originator=originator,
        received_at=at,
        named=named,
        repeats_since=at - MINUTE,
    )


async def test_the_same_again_at_once_is_a_redelivery_and_later_a_new_request(store: Store) -> None:
    answers = [await store.inbound.save(heard("a", seconds=seconds)) for seconds in (0, 60, 61, 100)]
    assert answers == [True, False, True, False]


async def test_another_sms_of_the_handset_between_makes_it_a_new_request(store: Store) -> None:
    keys = ("activate", "deactivate", "activate", "activate")
    answers = [await store.inbound.save(heard(key, seconds=second)) for second, key in enumerate(keys)]
    assert answers == [True, True, True, False]


async def test_an_sms_of_another_handset_between_changes_nothing(store: Store) -> None:
    assert await store.inbound.save(heard("a"))
    assert await store.inbound.save(heard("b", originator=BOB))
    assert not await store.inbound.save(heard("a", seconds=1))


async def test_a_late_copy_of_a_named_sms_is_a_redelivery_whatever_came_between(store: Store) -> None:
    assert await store.inbound.save(heard("activate 1", named=True))
    assert await store.inbound.save(heard("deactivate 2", named=True))
    assert not await store.inbound.save(heard("activate 1", seconds=60, named=True))
    assert await store.inbound.save(heard("activate 3", seconds=60, named=True))


async def test_a_name_that_is_used_again_after_the_window_is_a_new_sms(store: Store) -> None:
    answers = [await store.inbound.save(heard("a", seconds=at, named=True)) for at in (0, 61, 62)]
    assert answers == [True, True, False]


async def test_a_named_sms_stands_between_two_that_are_not(store: Store) -> None:
    assert await store.inbound.save(heard("a"))
    assert await store.inbound.save(heard("b", named=True))
    assert not await store.inbound.save(heard("b", seconds=1, named=True))
    assert await store.inbound.save(heard("a", seconds=2))


async def test_without_a_window_nothing_is_a_redelivery(store: Store) -> None:
    sms = msgspec.structs.replace(new_inbound(), repeats_since=None)
    assert [await store.inbound.save(sms) for _ in range(2)] == [True, True]


async def test_of_many_redeliveries_of_a_named_sms_at_once_one_is_kept(store: Store) -> None:
    answers = await asyncio.gather(*(store.inbound.save(heard("a", named=True)) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]


async def test_what_is_forgotten_is_no_first_delivery_any_more(store: Store) -> None:
    for key, named in (("a", False), ("b", True)):
        await store.inbound.save(heard(key, named=named, originator=BOB if named else ALICE))
    await store.inbound.forget(before=NOW + MINUTE, limit=10)
    assert await store.inbound.save(heard("a", seconds=1))
    assert await store.inbound.save(heard("b", seconds=1, named=True, originator=BOB))


async def test_the_oldest_comes_first_and_no_more_than_asked_for(store: Store) -> None:
    for key in ("c", "a", "b"):
        await store.inbound.save(new_inbound(key, text=key))
    assert [sms.text for sms in await store.inbound.pending(limit=2)] == ["c", "a"]
    assert [sms.text for sms in await pending(store)] == ["c", "a", "b"]


async def test_looking_settles_nothing(store: Store) -> None:
    await saved(store)
    assert await pending(store) == await pending(store) != []


async def test_settling_does_all_that_an_sms_causes(store: Store, alice: Subscriber) -> None:
    sms = await saved(store)
    await store.inbound.settle(sms.id, msisdn=ALICE, change=READY, owed=[owed_to(alice)])
    assert await pending(store) == []
    after = await store.subscribers.by_msisdn(ALICE)
    assert after is not None
    assert (after.status, after.changed_at) == (ProvisioningStatus.READY, NOW + MINUTE)
    (row,) = await leased(store)
    assert (row.recipient, row.uid) == (ALICE, None)


async def test_an_sms_may_cause_only_an_answer(store: Store, alice: Subscriber) -> None:
    sms = await saved(store)
    await store.inbound.settle(sms.id, msisdn=ALICE, change=None, owed=[owed_to(alice)])
    assert await store.subscribers.by_msisdn(ALICE) == alice
    assert len(await leased(store)) == 1


async def test_settling_one_leaves_the_others(store: Store) -> None:
    first, second = await saved(store, "k1"), await saved(store, "k2")
    await store.inbound.settle(first.id, msisdn=None, change=None, owed=())
    assert await pending(store) == [second]


async def test_a_settled_sms_causes_nothing_again(store: Store, alice: Subscriber) -> None:
    sms = await saved(store)
    await store.inbound.settle(sms.id, msisdn=None, change=None, owed=())
    await store.inbound.settle(sms.id, msisdn=ALICE, change=READY, owed=[owed_to(alice)])
    assert await store.subscribers.by_msisdn(ALICE) == alice
    assert await leased(store) == []


async def test_of_many_settlements_at_once_one_counts(store: Store, alice: Subscriber) -> None:
    sms = await saved(store)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(store.inbound.settle(sms.id, msisdn=ALICE, change=READY, owed=[owed_to(alice)]))
    assert len(await leased(store)) == 1


@pytest.mark.parametrize("change", [READY, None], ids=["with a change", "with an answer only"])
async def test_an_sms_for_nobody_stays_and_causes_nothing(
    store: Store, alice: Subscriber, change: SubscriberChange | None
) -> None:
    sms = await saved(store)
    with pytest.raises(UnknownSubscriber):
        await store.inbound.settle(sms.id, msisdn=BOB, change=change, owed=[owed_to(alice)])
    assert await pending(store) == [sms]
    assert await leased(store) == []


async def test_only_settled_sms_are_forgotten_and_only_old_ones(store: Store) -> None:
    for key in ("a", "b", "c"):
        await store.inbound.save(new_inbound(key))
    first, second, _ = await pending(store)
    for sms in (first, second):
        await store.inbound.settle(sms.id, msisdn=None, change=None, owed=())
    assert await store.inbound.forget(before=NOW, limit=10) == 0
    assert await store.inbound.forget(before=NOW + MINUTE, limit=1) == 1
    assert await store.inbound.forget(before=NOW + MINUTE, limit=10) == 1
    assert len(await pending(store)) == 1


async def test_the_history_of_a_handset_has_settled_sms_too(store: Store) -> None:
    for key in ("a", "b", "c"):
        await store.inbound.save(new_inbound(key, text=key))
    first, *_ = await pending(store)
    await store.inbound.settle(first.id, msisdn=None, change=None, owed=())
    assert [sms.text for sms in await store.inbound.history(ALICE, limit=10)] == ["a", "b", "c"]
    assert [sms.text for sms in await store.inbound.history(ALICE, limit=2)] == ["b", "c"]
    assert await store.inbound.history(BOB, limit=10) == []
