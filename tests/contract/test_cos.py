# SPDX-License-Identifier: Apache-2.0
"""What CosStore promises, and what a class of service does to the mailboxes of those who refer to it."""

from __future__ import annotations

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_message, new_subscriber
from vvm.domain.cos import Cos, CosInUse, Limits, NoSuchCos, UnknownCos
from vvm.domain.errors import MailboxFull
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.subscriber import CosName, MailboxId, Subscriber
from vvm.store.port import GREETINGS_LIMIT, Store, SubscriberChange

GOLD = CosName("gold")
OCTETS = len(new_message().octets)


def gold(**limits: int) -> Cos:
    return Cos(GOLD, msgspec.convert(limits, Limits), NOW)


@pytest.fixture
async def golden(store: Store) -> Subscriber:
    await store.cos.put(gold())
    return await store.subscribers.create(new_subscriber(cos=GOLD))


async def test_a_class_is_put_and_found_and_replaced_whole(store: Store) -> None:
    assert await store.cos.put(gold(max_messages=3)) == (gold(max_messages=3), True)
    assert await store.cos.by_name(GOLD) == gold(max_messages=3)
    after, new = await store.cos.put(gold(max_seconds=60))
    assert (after.limits, new) == (Limits(max_seconds=60), False)
    assert await store.cos.by_name(GOLD) == after


async def test_two_versions_of_a_class_are_never_of_the_same_moment(store: Store) -> None:
    first, _ = await store.cos.put(gold())
    second, _ = await store.cos.put(msgspec.structs.replace(gold(), changed_at=NOW - MINUTE))
    assert second.changed_at > first.changed_at


async def test_no_class_is_there_under_another_name(store: Store) -> None:
    await store.cos.put(gold())
    assert await store.cos.by_name(CosName("silver")) is None


async def test_classes_come_in_pages_by_name(store: Store) -> None:
    names = [CosName(name) for name in ("c", "a", "b")]
    for name in names:
        await store.cos.put(Cos(name, Limits(), NOW))
    assert [cos.name for cos in await store.cos.page(after=None, limit=2)] == ["a", "b"]
    assert [cos.name for cos in await store.cos.page(after=CosName("b"), limit=2)] == ["c"]


async def test_a_class_to_which_somebody_refers_stays(store: Store, golden: Subscriber) -> None:
    with pytest.raises(CosInUse):
        await store.cos.remove(GOLD)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, cos=CosName("")))
    await store.cos.remove(GOLD)
    with pytest.raises(NoSuchCos):
        await store.cos.remove(GOLD)


async def test_nobody_can_refer_to_a_class_that_is_not_there(store: Store, alice: Subscriber) -> None:
    with pytest.raises(UnknownCos):
        await store.subscribers.create(new_subscriber(BOB, cos=GOLD))
    assert await store.subscribers.by_msisdn(BOB) is None
    with pytest.raises(UnknownCos):
        await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, cos=GOLD))
    assert await store.subscribers.by_msisdn(ALICE) == alice


async def test_a_mailbox_is_asked_for_its_limits(store: Store, golden: Subscriber) -> None:
    await store.cos.put(gold(greeting_seconds=5))
    assert await store.cos.of(golden.mailbox) == Limits(greeting_seconds=5)
    bob = await store.subscribers.create(new_subscriber(BOB))
    assert await store.cos.of(bob.mailbox) is None
    assert await store.cos.of(MailboxId(4711)) is None


async def test_a_class_changes_the_room_of_all_at_once(store: Store, golden: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB, cos=GOLD))
    await store.cos.put(gold(max_messages=1))
    for subscriber in (golden, bob):
        await store.mailboxes.append(subscriber.mailbox, INBOX, new_message())
        with pytest.raises(MailboxFull, match="1 of 1 messages"):
            await store.mailboxes.append(subscriber.mailbox, INBOX, new_message())
        folder = await store.mailboxes.folder(subscriber.mailbox, INBOX)
        assert folder is not None
        assert folder.max_messages == 1
    await store.cos.put(gold(max_messages=2))
    for subscriber in (golden, bob):
        assert (await store.mailboxes.append(subscriber.mailbox, INBOX, new_message())).uid == 2


async def test_greetings_have_their_own_room(store: Store, golden: Subscriber) -> None:
    await store.cos.put(gold(max_messages=1, max_seconds=1, max_octets=1))
    await store.mailboxes.append(golden.mailbox, GREETINGS, new_message())
    await store.mailboxes.append(golden.mailbox, GREETINGS, new_message())
    folder = await store.mailboxes.folder(golden.mailbox, GREETINGS)
    assert folder is not None
    assert folder.max_messages == GREETINGS_LIMIT


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"max_seconds": 15}, "14 of 15 seconds"),
        ({"max_octets": 2 * OCTETS + 1}, f"{2 * OCTETS} of .* octets"),
    ],
)
async def test_seconds_and_octets_are_counted_too(
    store: Store, golden: Subscriber, limits: dict[str, int], why: str
) -> None:
    await store.cos.put(gold(**limits))
    for _ in range(2):
        await store.mailboxes.append(golden.mailbox, INBOX, new_message())  # 7 seconds each
    with pytest.raises(MailboxFull, match=why):
        await store.mailboxes.append(golden.mailbox, INBOX, new_message())
    state = await store.mailboxes.folder(golden.mailbox, INBOX)
    assert state is not None
    assert (state.messages, state.uid_next) == (2, 3)


async def test_a_copy_needs_the_same_room(store: Store, golden: Subscriber) -> None:
    await store.folders.create(golden.mailbox, "Kept", at=NOW, most=10)
    await store.mailboxes.append(golden.mailbox, INBOX, new_message())
    await store.cos.put(gold(max_seconds=10))
    with pytest.raises(MailboxFull, match="7 of 10 seconds"):
        await store.folders.copy(golden.mailbox, INBOX, [1], "Kept")
    await store.cos.put(gold(max_seconds=14))
    copied = await store.folders.copy(golden.mailbox, INBOX, [1], "Kept")
    assert copied is not None
    assert [state.uid for state in await store.mailboxes.states(golden.mailbox, "Kept")] == [1]
