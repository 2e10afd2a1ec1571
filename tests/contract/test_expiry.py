# SPDX-License-Identifier: Apache-2.0
"""Messages expire by their class of service, and their owner is told before: once."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, NOW, SECOND, new_message, new_subscriber, owed_to
from vvm.domain.cos import Cos, Limits
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Closing, CosName, ProvisioningStatus, Subscriber
from vvm.store.port import Aged, Ages, Settlement, Store, SubscriberChange

GOLD = CosName("gold")
DAY = timedelta(days=1)
NONE = Flags(0)


@pytest.fixture
async def carol(store: Store) -> Subscriber:
    await store.cos.put(Cos(GOLD, Limits(message_days=30), NOW))
    return await store.subscribers.create(new_subscriber(cos=GOLD))


async def deposit(
    store: Store, owner: Subscriber, days: int, *, folder: str = INBOX, flags: Flags = NONE
) -> None:
    """A message that was received so many days ago."""
    message = msgspec.structs.replace(new_message(), received_at=NOW - days * DAY, flags=flags)
    await store.mailboxes.append(owner.mailbox, folder, message)


def ages(*, expired: int | None = 30, heard: int | None = None, announced: int | None = None) -> Ages:
    def ago(days: int | None) -> datetime | None:
        return None if days is None else NOW - days * DAY

    return Ages(ago(expired), ago(heard), ago(announced))


async def walk(store: Store, wanted: Ages) -> list[Aged]:
    return list(await store.expiry.of_class(GOLD, wanted, after=None, limit=10))


async def left(store: Store, owner: Subscriber, folder: str = INBOX) -> list[int]:
    return [state.uid for state in await store.mailboxes.states(owner.mailbox, folder)]


async def test_what_is_too_old_is_removed_through_the_journal(store: Store, carol: Subscriber) -> None:
    await store.folders.create(carol.mailbox, "Work", at=NOW, most=10)
    for days in (31, 30, 29):
        await deposit(store, carol, days)
    await deposit(store, carol, 40, folder="Work")
    await deposit(store, carol, 40, folder=GREETINGS)
    before = await store.mailboxes.folder(carol.mailbox, INBOX)
    assert before is not None
    assert await walk(store, ages()) == [Aged(carol, expired=True, unannounced=False)]
    owed = [owed_to(carol, cause=Cause.MAILBOX_UPDATE)]
    assert await store.expiry.expire(carol.mailbox, ages(), owed) == 3
    assert (await left(store, carol), await left(store, carol, "Work")) == ([3], [])
    assert await left(store, carol, GREETINGS) == [1]
    changes = await store.mailboxes.changes(carol.mailbox, INBOX, before.highest_modseq)
    assert changes is not None
    assert (list(changes.expunged), changes.folder.messages) == ([1, 2], 1)
    (row,) = await store.outbox.lease(now=NOW, lease=SECOND, limit=10)
    assert row.cause is Cause.MAILBOX_UPDATE
    assert await walk(store, ages()) == [Aged(carol, expired=False, unannounced=False)]
    assert await store.expiry.expire(carol.mailbox, ages(), owed) == 0
    assert list(await store.outbox.lease(now=NOW, lease=SECOND, limit=10)) == []


async def test_what_was_heard_may_go_sooner(store: Store, carol: Subscriber) -> None:
    await deposit(store, carol, 8, flags=Flags.SEEN)
    await deposit(store, carol, 8)
    only_heard = ages(expired=None, heard=7)
    assert await walk(store, only_heard) == [Aged(carol, expired=True, unannounced=False)]
    assert await store.expiry.expire(carol.mailbox, only_heard) == 1
    assert await left(store, carol) == [2]


async def test_what_expires_can_be_restored_where_the_class_keeps_it(store: Store, carol: Subscriber) -> None:
    await store.cos.put(Cos(GOLD, Limits(message_days=30, deleted_days=3), NOW))
    await deposit(store, carol, 31)
    assert await store.expiry.expire(carol.mailbox, ages()) == 1
    (kept,) = await store.recovery.deleted(carol.mailbox, after=0, limit=10)
    assert kept.uid == 1


async def test_an_announcement_is_owed_once_for_the_same_messages(store: Store, carol: Subscriber) -> None:
    wanted = ages(announced=27)
    await deposit(store, carol, 28)
    assert await walk(store, wanted) == [Aged(carol, expired=False, unannounced=True)]
    owed = [owed_to(carol, cause=Cause.EXPIRY)]
    until = NOW - 27 * DAY
    assert await store.expiry.announce(carol.id, until=until, owed=owed)
    assert not await store.expiry.announce(carol.id, until=until, owed=owed)
    assert [row.cause for row in await store.outbox.lease(now=NOW, lease=SECOND, limit=10)] == [Cause.EXPIRY]
    assert await walk(store, wanted) == [Aged(carol, expired=False, unannounced=False)]
    await deposit(store, carol, 26)
    assert await walk(store, ages(announced=26)) == [Aged(carol, expired=False, unannounced=True)]


async def test_what_is_expired_already_is_not_announced(store: Store, carol: Subscriber) -> None:
    await deposit(store, carol, 31)
    assert await walk(store, ages(announced=27)) == [Aged(carol, expired=True, unannounced=False)]


async def test_a_hold_or_a_closure_stops_the_clock(store: Store, carol: Subscriber) -> None:
    await deposit(store, carol, 31)
    held = await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, held=True))
    assert await walk(store, ages()) == []
    assert await store.expiry.expire(carol.mailbox, ages()) == 0
    closed = SubscriberChange(
        changed_at=NOW,
        held=False,
        status=ProvisioningStatus.UNKNOWN,
        closing=Closing(at=NOW + DAY, before=held.status),
        trigger=Trigger.CLOSED,
    )
    await store.subscribers.change(ALICE, closed)
    assert await walk(store, ages()) == []
    assert await store.expiry.expire(carol.mailbox, ages()) == 0
    assert await left(store, carol) == [1]


async def test_a_class_is_walked_page_by_page(store: Store, carol: Subscriber) -> None:
    await store.subscribers.create(new_subscriber("+33600000001"))
    bob = await store.subscribers.create(new_subscriber(BOB, cos=GOLD))
    (first,) = await store.expiry.of_class(GOLD, ages(), after=None, limit=1)
    (second,) = await store.expiry.of_class(GOLD, ages(), after=first.subscriber.msisdn, limit=1)
    assert [first.subscriber, second.subscriber] == [carol, bob]
    assert list(await store.expiry.of_class(GOLD, ages(), after=BOB, limit=1)) == []


async def test_a_mailbox_that_gets_nearly_full_is_told_once_a_crossing(
    store: Store, carol: Subscriber
) -> None:
    await store.cos.put(Cos(GOLD, Limits(max_messages=5, warn_percent=80), NOW))
    warning = [owed_to(carol, cause=Cause.NEARLY_FULL)]

    async def add() -> bool:
        await store.mailboxes.append(carol.mailbox, INBOX, new_message(), nearly_full=warning)
        rows = await store.outbox.lease(now=NOW, lease=timedelta(hours=1), limit=10)
        for row in rows:
            await store.outbox.settle(row, Settlement.SENT, now=NOW)
        return [row.cause for row in rows] == [Cause.NEARLY_FULL]

    assert [await add() for _ in range(5)] == [False, False, False, True, False]
    await store.mailboxes.change_flags(carol.mailbox, INBOX, [1, 2], add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(carol.mailbox, INBOX, None)
    assert [await add() for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("limits", "crossing"),
    [
        (Limits(max_seconds=70, warn_percent=30), 3),
        (Limits(max_octets=250, warn_percent=20), 2),
        (Limits(max_octets=250, max_seconds=70, warn_percent=30), 3),
        (Limits(max_messages=10), None),
        (Limits(warn_percent=4), 4),
    ],
)
async def test_the_nearest_limit_counts(
    store: Store, carol: Subscriber, limits: Limits, crossing: int | None
) -> None:
    """A message has 7 seconds and 26 octets; the subscriber's own limit is 100 messages."""
    await store.cos.put(Cos(GOLD, limits, NOW))
    warning = [owed_to(carol, cause=Cause.NEARLY_FULL)]
    crossings = []
    for number in range(1, 6):
        await store.mailboxes.append(carol.mailbox, INBOX, new_message(), nearly_full=warning)
        if await store.outbox.lease(now=NOW, lease=timedelta(hours=1), limit=10):
            crossings.append(number)
    assert crossings == ([] if crossing is None else [crossing])


async def test_greetings_fill_no_mailbox(store: Store, carol: Subscriber) -> None:
    await store.cos.put(Cos(GOLD, Limits(max_messages=1, warn_percent=1), NOW))
    warning = [owed_to(carol, cause=Cause.NEARLY_FULL)]
    await store.mailboxes.append(carol.mailbox, GREETINGS, new_message(), nearly_full=warning)
    assert list(await store.outbox.lease(now=NOW, lease=SECOND, limit=10)) == []
