# SPDX-License-Identifier: Apache-2.0
"""What the store promises of subscribers that come with further numbers, a hold or an end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.samples import ALICE, BOB, NOW, new_message, new_subscriber
from vvm.domain.actor import acting_as
from vvm.domain.errors import NumberQuarantined, SubscriberExists, SubscriberHeld
from vvm.domain.message import INBOX, Flags
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Closing, ProvisioningStatus, Subscriber
from vvm.store.port import AuditFilter, NewSubscriber, Renumbering, Store, SubscriberChange

LINES = (Msisdn("+33612000001"), Msisdn("+33612000002"))
UNKNOWN, BLOCKED = ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED
END = Closing(NOW + timedelta(days=9), BLOCKED)


def whole(msisdn: Msisdn = BOB) -> NewSubscriber:
    return new_subscriber(
        msisdn, aliases=LINES, held=True, status=UNKNOWN, closing=END, reason="from the old system"
    )


@pytest.mark.parametrize("many", [False, True])
async def test_it_is_found_by_each_number_and_is_held_and_closed(store: Store, many: bool) -> None:
    with acting_as("cli:root"):
        if many:
            assert list(await store.subscribers.create_many([whole()])) == [BOB]
        else:
            await store.subscribers.create(whole())
    bob = await store.subscribers.by_msisdn(BOB)
    assert bob is not None
    assert (bob.held, bob.status, bob.closing) == (True, UNKNOWN, END)
    assert list(await store.numbers.aliases(bob.id)) == list(LINES)
    assert [await store.subscribers.by_msisdn(line) for line in LINES] == [bob, bob]
    with pytest.raises(SubscriberHeld):
        await store.subscribers.remove(BOB, at=NOW)
    assert await store.subscribers.closed(now=END.at, limit=9) == []
    await store.mailboxes.append(bob.mailbox, INBOX, new_message())
    await store.mailboxes.change_flags(bob.mailbox, INBOX, [1], add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(bob.mailbox, INBOX, None)
    assert len(await store.recovery.deleted(bob.mailbox, after=0, limit=9)) == 1


async def test_its_audit_tells_each_step_and_who_took_it(store: Store) -> None:
    with acting_as("cli:root"):
        await store.subscribers.create_many([whole()])
    entries = [one.entry for one in await store.lists.audit(AuditFilter(msisdn=BOB), after=None, limit=9)]
    assert [(one.trigger, one.before, one.after, one.reason) for one in reversed(entries)] == [
        (Trigger.CREATED, None, BLOCKED, ""),
        (Trigger.ALIAS_ADDED, BLOCKED, BLOCKED, f"{LINES[0]} from the old system"),
        (Trigger.ALIAS_ADDED, BLOCKED, BLOCKED, f"{LINES[1]} from the old system"),
        (Trigger.HELD, BLOCKED, BLOCKED, "from the old system"),
        (Trigger.CLOSED, BLOCKED, UNKNOWN, "from the old system"),
    ]
    assert {one.actor for one in entries} == {"cli:root"}


async def test_a_number_that_is_somebodys_keeps_it_out(store: Store, alice: Subscriber) -> None:
    await store.numbers.add_alias(ALICE, LINES[1], most=2, at=NOW)
    with pytest.raises(SubscriberExists):
        await store.subscribers.create(whole())
    assert list(await store.subscribers.create_many([whole()])) == []
    assert await store.subscribers.by_msisdn(BOB) is None
    assert await store.subscribers.by_msisdn(LINES[0]) is None
    assert await store.subscribers.by_msisdn(LINES[1]) == alice


async def test_of_two_that_want_a_number_the_first_gets_it(store: Store) -> None:
    rival = new_subscriber(Msisdn("+33600000009"), aliases=LINES[1:])
    assert list(await store.subscribers.create_many([whole(), rival])) == [BOB]


async def test_a_number_in_quarantine_keeps_it_out(store: Store, alice: Subscriber) -> None:
    change = SubscriberChange(changed_at=NOW, trigger=Trigger.RENUMBERED)
    moved = Renumbering(Msisdn("+33600000001"), "33600000001@x", change, NOW + timedelta(days=1))
    await store.numbers.renumber(ALICE, moved)
    new = new_subscriber(BOB, aliases=(ALICE,))
    with pytest.raises(NumberQuarantined):
        await store.subscribers.create(new)
    assert list(await store.subscribers.create_many([new])) == []
    assert await store.subscribers.by_msisdn(BOB) is None
