# SPDX-License-Identifier: Apache-2.0
"""What SubscriberStore promises of its audit, of a replaced password, and of SYNC that no login followed."""

from __future__ import annotations

import pytest

from tests.contract.samples import (
    ALICE,
    BOB,
    MINUTE,
    NOW,
    SECOND,
    new_inbound,
    new_subscriber,
    owed_to,
    owed_to_stranger,
)
from vvm.domain.actor import acting_as
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Fallback, ProvisioningStatus, Subscriber
from vvm.store.port import Audited, Settlement, Store, SubscriberChange

PROVISIONED, READY = ProvisioningStatus.PROVISIONED, ProvisioningStatus.READY
LATER = NOW + MINUTE
CREATED = Audited(ALICE, NOW, Trigger.CREATED, None, PROVISIONED)
ACTIVATED = SubscriberChange(changed_at=LATER, status=READY, trigger=Trigger.ACTIVATE)


async def audit(store: Store, limit: int = 100) -> list[Audited]:
    return list(await store.subscribers.audit(ALICE, limit=limit))


# rows: PRV-06
async def test_creation_transition_and_removal_are_audited_in_order(store: Store, alice: Subscriber) -> None:
    await store.subscribers.change(ALICE, ACTIVATED)
    await store.subscribers.remove(ALICE, at=LATER + SECOND)
    assert await audit(store) == [
        CREATED,
        Audited(ALICE, LATER, Trigger.ACTIVATE, PROVISIONED, READY),
        Audited(ALICE, LATER + SECOND, Trigger.REMOVED, READY, None),
    ]
    assert (await audit(store, limit=1))[0].trigger is Trigger.REMOVED


# rows: PRV-06
async def test_a_transition_by_a_clients_sms_is_audited_with_it(store: Store, alice: Subscriber) -> None:
    await store.inbound.save(new_inbound())
    (sms,) = await store.inbound.pending(limit=1)
    for _ in range(2):  # the second settles nothing more
        await store.inbound.settle(sms.id, msisdn=ALICE, change=ACTIVATED, owed=())
    assert [entry.trigger for entry in await audit(store)] == [Trigger.CREATED, Trigger.ACTIVATE]


@pytest.mark.parametrize(
    "change",
    [
        SubscriberChange(changed_at=LATER, language="fra"),
        SubscriberChange(changed_at=LATER, status=PROVISIONED),
        SubscriberChange(changed_at=LATER, fallback=Fallback.MWI),
    ],
)
async def test_what_is_no_transition_is_not_audited(
    store: Store, alice: Subscriber, change: SubscriberChange
) -> None:
    await store.subscribers.change(ALICE, change)
    assert await audit(store) == [CREATED]


async def test_the_audit_is_of_one_number_and_outlives_who_had_it(store: Store, alice: Subscriber) -> None:
    await store.subscribers.create(new_subscriber(BOB))
    await store.subscribers.remove(ALICE, at=LATER)
    await store.subscribers.create(new_subscriber())
    assert [entry.trigger for entry in await audit(store)] == [
        Trigger.CREATED,
        Trigger.REMOVED,
        Trigger.CREATED,
    ]


# rows: PRV-06 ST-18
async def test_a_replaced_password_is_kept_and_audited(store: Store, alice: Subscriber) -> None:
    change = SubscriberChange(
        changed_at=LATER,
        password_check=b"\x03" * 32,
        password_sealed=b"\x04" * 50,
        previous_check=alice.password_check,
        previous_until=LATER + MINUTE,
        trigger=Trigger.ROTATED,
    )
    after = await store.subscribers.change(ALICE, change)
    assert await store.subscribers.by_msisdn(ALICE) == after
    assert (after.previous_check, after.previous_until) == (alice.password_check, LATER + MINUTE)
    assert after.password_check == b"\x03" * 32
    assert (await audit(store))[1:] == [Audited(ALICE, LATER, Trigger.ROTATED, PROVISIONED, PROVISIONED)]


async def test_the_fallback_is_kept(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(fallback=Fallback.TEXT))
    assert alice.fallback is Fallback.TEXT
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=LATER, fallback=Fallback.MWI))
    found = await store.subscribers.by_imap_user(alice.imap_user)
    assert found is not None
    assert found.fallback is Fallback.MWI


async def send(store: Store, alice: Subscriber, cause: Cause, settlement: Settlement) -> None:
    await store.outbox.owe([owed_to(alice, cause=cause)])
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    for _ in range(2):  # a row is closed once
        await store.outbox.settle(row, settlement, now=NOW)


async def unanswered(store: Store) -> int:
    found = await store.subscribers.by_msisdn(ALICE)
    assert found is not None
    return found.unanswered_syncs


# rows: SY-16
async def test_each_sync_that_was_sent_is_unanswered_until_a_login(store: Store, alice: Subscriber) -> None:
    for cause in (Cause.NEW_MESSAGE, Cause.MAILBOX_UPDATE):
        await send(store, alice, cause, Settlement.SENT)
    assert await unanswered(store) == 2
    await store.subscribers.answered(alice.id)
    assert await unanswered(store) == 0
    await send(store, alice, Cause.NEW_MESSAGE, Settlement.SENT)
    assert await unanswered(store) == 1


@pytest.mark.parametrize(
    ("cause", "settlement"),
    [
        (Cause.STATUS, Settlement.SENT),
        (Cause.NEW_MESSAGE, Settlement.NOT_WANTED),
        (Cause.NEW_MESSAGE, Settlement.FAILED),
    ],
)
async def test_nothing_else_is_unanswered(
    store: Store, alice: Subscriber, cause: Cause, settlement: Settlement
) -> None:
    await send(store, alice, cause, settlement)
    assert await unanswered(store) == 0


async def test_what_is_told_again_is_owed_and_audited(store: Store, alice: Subscriber) -> None:
    owed = owed_to(alice, cause=Cause.NEW_MESSAGE)
    with acting_as("api:crm"):
        await store.outbox.tell_again(owed, uid=7, at=NOW, reason="new_message: ticket")
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert (row.cause, row.uid, row.recipient) == (Cause.NEW_MESSAGE, 7, alice.msisdn)
    *_, entry = await store.subscribers.audit(alice.msisdn, limit=10)
    status = alice.status
    assert entry == Audited(
        alice.msisdn, NOW, Trigger.RESENT, status, status, "new_message: ticket", "api:crm"
    )
    assert await store.subscribers.by_msisdn(alice.msisdn) == alice
    await store.outbox.settle(row, Settlement.FAILED, now=NOW)
    with acting_as("cli:root"):
        assert await store.outbox.resend(row.id, now=NOW + MINUTE, expires_at=NOW + 2 * MINUTE)
    *_, entry = await store.subscribers.audit(alice.msisdn, limit=10)
    assert (entry.trigger, entry.at, entry.reason) == (Trigger.RESENT, NOW + MINUTE, "new_message")
    assert entry.actor == "cli:root"


async def test_a_stranger_is_told_again_without_an_audit(store: Store) -> None:
    await store.outbox.owe([owed_to_stranger()])
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=1)
    await store.outbox.settle(row, Settlement.FAILED, now=NOW)
    assert await store.outbox.resend(row.id, now=NOW, expires_at=NOW + MINUTE)
    assert list(await store.subscribers.audit(row.recipient, limit=10)) == []
