# SPDX-License-Identifier: Apache-2.0
"""What EventStore promises: every committed fact once, in order, and nothing behind a cursor is missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_message, new_subscriber, owed_to
from vvm.domain.errors import BadCursor
from vvm.domain.event import Event, EventKind
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.store.events import BEGINNING
from vvm.store.port import Acceptance, Settlement, Store, SubscriberChange

READY = ProvisioningStatus.READY
NONE = Flags(0)


async def after(store: Store, cursor: str) -> list[Event]:
    return list(await store.events.page(cursor, limit=100))


async def test_what_happens_to_a_message_is_told_in_order(store: Store, alice: Subscriber) -> None:
    start = await store.events.newest()
    box = alice.mailbox
    await store.mailboxes.append(box, INBOX, new_message())
    await store.mailboxes.change_flags(box, INBOX, [1], add=Flags.SEEN | Flags.DELETED, remove=NONE)
    await store.mailboxes.expunge(box, INBOX, None)
    deposited, flags, expunged = await after(store, start)
    assert [event.kind for event in (deposited, flags, expunged)] == [
        EventKind.MESSAGE_DEPOSITED,
        EventKind.MESSAGE_FLAGS,
        EventKind.MESSAGE_EXPUNGED,
    ]
    assert {event.msisdn for event in (deposited, flags, expunged)} == {ALICE}
    assert (deposited.folder, deposited.uid, deposited.message_kind) == (INBOX, 1, "voice")
    assert (deposited.caller, deposited.seconds, deposited.flags) == ("+33698765432", 7, ())
    assert flags.flags == ("seen", "deleted")
    assert (expunged.folder, expunged.uid, expunged.flags) == (INBOX, 1, ())


async def test_what_changes_nothing_is_no_event(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="once"))
    newest = await store.events.newest()
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="once"))
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1, 7], add=NONE, remove=Flags.SEEN)
    await store.mailboxes.expunge(alice.mailbox, INBOX, None)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, language="fra"))
    assert await store.events.newest() == newest


async def test_transitions_are_told_with_their_cause_and_outlive_the_subscriber(store: Store) -> None:
    await store.subscribers.create(new_subscriber())
    change = SubscriberChange(changed_at=NOW, status=READY, trigger=Trigger.ACTIVATE)
    await store.subscribers.change(ALICE, change)
    await store.subscribers.remove(ALICE, at=NOW)
    created, changed, removed = await after(store, BEGINNING)
    assert [event.kind for event in (created, changed, removed)] == [
        EventKind.SUBSCRIBER_CREATED,
        EventKind.SUBSCRIBER_CHANGED,
        EventKind.SUBSCRIBER_REMOVED,
    ]
    assert (changed.trigger, changed.before, changed.after) == ("activate", "P", "R")


async def test_how_a_notification_ended_is_told(store: Store, alice: Subscriber) -> None:
    start = await store.events.newest()
    await store.mailboxes.append(
        alice.mailbox, INBOX, new_message(), [owed_to(alice, cause=Cause.NEW_MESSAGE)]
    )
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=1)
    await store.outbox.accepted(row, Acceptance(1, 1, "m1"), now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW)
    await store.outbox.receipt("m1", Settlement.DELIVERED, now=NOW)
    _, sent, delivered = await after(store, start)
    assert (sent.kind, sent.cause, sent.uid) == (EventKind.NOTIFICATION_SENT, "new_message", 1)
    assert delivered.kind is EventKind.NOTIFICATION_DELIVERED


async def test_who_resumes_behind_a_cursor_misses_nothing(store: Store, alice: Subscriber) -> None:
    for _ in range(5):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    everything = await after(store, BEGINNING)
    seen: list[Event] = []
    cursor = BEGINNING
    while page := await store.events.page(cursor, limit=2):
        seen += page
        cursor = page[-1].cursor
    assert seen == everything
    assert len({event.cursor for event in seen}) == len(seen) == 6
    assert cursor == await store.events.newest()


async def test_the_feed_is_filtered_by_kind_and_by_subscriber(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    for box in (alice.mailbox, bob.mailbox):
        await store.mailboxes.append(box, INBOX, new_message())
    deposits = await store.events.page(BEGINNING, limit=9, kinds=[EventKind.MESSAGE_DEPOSITED])
    assert [event.msisdn for event in deposits] == [ALICE, BOB]
    of_bob = await store.events.page(BEGINNING, limit=9, msisdn=BOB)
    assert [event.kind for event in of_bob] == [EventKind.SUBSCRIBER_CREATED, EventKind.MESSAGE_DEPOSITED]
    both = await store.events.page(
        BEGINNING, limit=9, msisdn=BOB, kinds=[EventKind.MESSAGE_DEPOSITED, EventKind.MESSAGE_FLAGS]
    )
    assert list(both) == [of_bob[1]]


async def test_the_feed_is_filtered_by_time(store: Store, alice: Subscriber) -> None:
    for _ in range(3):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    everything = await after(store, BEGINNING)
    for moment in {event.at for event in everything}:
        for msisdn in (None, ALICE):
            since = await store.events.page(BEGINNING, limit=9, msisdn=msisdn, since=moment)
            until = await store.events.page(BEGINNING, limit=9, msisdn=msisdn, until=moment)
            assert list(since) == [event for event in everything if event.at >= moment]
            assert list(until) == [event for event in everything if event.at < moment]
    assert list(await store.events.page(BEGINNING, limit=9, msisdn=BOB, since=NOW)) == []


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣"])
async def test_a_cursor_that_was_never_given_out_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await store.events.page(cursor, limit=1)


async def test_a_cursor_is_reached_once_there_was_such_an_event_and_stays_so(
    store: Store, alice: Subscriber
) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    newest = await store.events.newest()
    assert await store.events.reaches(BEGINNING)
    assert await store.events.reaches(newest)
    assert not await store.events.reaches("9" * 15)
    while await store.events.forget_events(before=datetime.now(UTC) + timedelta(hours=1), limit=9):
        pass
    assert await store.events.newest() == BEGINNING
    assert await store.events.reaches(newest)


async def test_old_events_are_forgotten_oldest_first_and_new_ones_kept(
    store: Store, alice: Subscriber
) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    assert await store.events.forget_events(before=datetime.now(UTC) - timedelta(hours=1), limit=9) == 0
    newest = await store.events.newest()
    assert await store.events.forget_events(before=datetime.now(UTC) + timedelta(hours=1), limit=1) == 1
    (kept,) = await after(store, BEGINNING)
    assert kept.cursor == newest
