# SPDX-License-Identifier: Apache-2.0
"""A number is somebody's own or somebody's alias, and never two of these, whoever is first."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, NOW, SECOND, new_message, new_subscriber, owed_to
from vvm.domain.errors import (
    IsAlias,
    NumberQuarantined,
    SubscriberExists,
    TooManyAliases,
    UnknownAlias,
    UnknownSubscriber,
)
from vvm.domain.message import INBOX
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.store.events import BEGINNING
from vvm.store.port import Renumbering, Store, SubscriberChange

SECOND_LINE = Msisdn("+33612000002")
THIRD_LINE = Msisdn("+33612000003")
NEW = Msisdn("+33712345678")
LATER = NOW + SECOND
DAY = timedelta(days=1)


async def add(store: Store, alias: Msisdn = SECOND_LINE, *, msisdn: Msisdn = ALICE, most: int = 5) -> bool:
    return await store.numbers.add_alias(msisdn, alias, most=most, at=LATER, reason="second line")


def to(new: Msisdn = NEW, *, quarantine_until: datetime | None = None) -> Renumbering:
    return Renumbering(
        msisdn=new,
        imap_user=f"{new[1:]}@vvm.example.net",
        change=SubscriberChange(
            changed_at=LATER,
            status=ProvisioningStatus.PROVISIONED,
            password_check=b"\x03" * 32,
            password_sealed=b"\x04" * 50,
            trigger=Trigger.RENUMBERED,
            reason="ported",
        ),
        quarantine_until=quarantine_until,
    )


async def test_a_subscriber_is_found_by_its_alias(store: Store, alice: Subscriber) -> None:
    assert await add(store, THIRD_LINE)
    assert await add(store)
    assert not await add(store)
    assert await store.subscribers.by_msisdn(SECOND_LINE) == alice
    assert list(await store.numbers.aliases(alice.id)) == [SECOND_LINE, THIRD_LINE]
    assert list(await store.subscribers.page(after=None, limit=10)) == [alice]


async def test_a_page_of_subscribers_is_full_whatever_aliases_lie_between(
    store: Store, alice: Subscriber
) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await add(store, Msisdn("+33620000000"))
    assert list(await store.subscribers.page(after=None, limit=2)) == [alice, bob]
    assert list(await store.subscribers.page(after=ALICE, limit=1)) == [bob]


async def test_an_alias_cannot_be_somebodys_number(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    for number in (ALICE, BOB):
        with pytest.raises(SubscriberExists):
            await add(store, number)
    await add(store, msisdn=BOB)
    with pytest.raises(SubscriberExists):
        await add(store)
    assert await store.subscribers.by_msisdn(SECOND_LINE) == bob


async def test_a_new_subscriber_cannot_have_somebodys_alias(store: Store, alice: Subscriber) -> None:
    await add(store)
    with pytest.raises(SubscriberExists):
        await store.subscribers.create(new_subscriber(SECOND_LINE))
    created = await store.subscribers.create_many([new_subscriber(SECOND_LINE), new_subscriber(BOB)])
    assert list(created) == [BOB]


async def test_aliases_have_a_limit(store: Store, alice: Subscriber) -> None:
    await add(store, most=1)
    with pytest.raises(TooManyAliases):
        await add(store, THIRD_LINE, most=1)
    assert await store.subscribers.by_msisdn(THIRD_LINE) is None
    assert not await add(store, most=1)


async def test_a_removed_alias_is_free(store: Store, alice: Subscriber) -> None:
    await add(store)
    await store.numbers.remove_alias(ALICE, SECOND_LINE, at=LATER)
    assert await store.subscribers.by_msisdn(SECOND_LINE) is None
    with pytest.raises(UnknownAlias):
        await store.numbers.remove_alias(ALICE, SECOND_LINE, at=LATER)
    await store.subscribers.create(new_subscriber(SECOND_LINE))


async def test_nobody_has_aliases_who_is_not_there(store: Store) -> None:
    with pytest.raises(UnknownSubscriber):
        await add(store)
    with pytest.raises(UnknownSubscriber):
        await store.numbers.remove_alias(ALICE, SECOND_LINE, at=LATER)
    with pytest.raises(UnknownSubscriber):
        await store.numbers.renumber(ALICE, to())


async def test_aliases_go_with_their_subscriber_which_goes_by_its_own_number_alone(
    store: Store, alice: Subscriber
) -> None:
    await add(store)
    with pytest.raises(IsAlias):
        await store.subscribers.remove(SECOND_LINE, at=LATER)
    await store.subscribers.remove(ALICE, at=LATER)
    assert await store.subscribers.by_msisdn(SECOND_LINE) is None
    await store.subscribers.create(new_subscriber(SECOND_LINE))


async def test_what_is_changed_by_an_alias_is_audited_under_the_own_number(
    store: Store, alice: Subscriber
) -> None:
    await add(store)
    change = SubscriberChange(changed_at=LATER, status=ProvisioningStatus.READY, trigger=Trigger.ACTIVATE)
    after = await store.subscribers.change(SECOND_LINE, change)
    assert (after.msisdn, after.status) == (ALICE, ProvisioningStatus.READY)
    entries = await store.subscribers.audit(ALICE, limit=10)
    assert [(entry.trigger, entry.reason) for entry in entries[1:]] == [
        (Trigger.ALIAS_ADDED, f"{SECOND_LINE} second line"),
        (Trigger.ACTIVATE, ""),
    ]
    assert list(await store.subscribers.audit(SECOND_LINE, limit=10)) == []


async def test_a_renumbered_subscriber_keeps_its_mailbox(store: Store, alice: Subscriber) -> None:
    message = new_message()
    await store.mailboxes.append(alice.mailbox, INBOX, message)
    owed = [msgspec.structs.replace(owed_to(alice), recipient=NEW)]
    after = await store.numbers.renumber(ALICE, to(), owed)
    assert after == await store.subscribers.by_msisdn(NEW)
    assert after == await store.subscribers.by_imap_user(f"{NEW[1:]}@vvm.example.net")
    assert (after.id, after.mailbox, after.msisdn) == (alice.id, alice.mailbox, NEW)
    assert after.password_check == b"\x03" * 32
    assert await store.mailboxes.octets(after.mailbox, INBOX, 1) == message.octets
    assert await store.subscribers.by_msisdn(ALICE) is None
    assert await store.subscribers.by_imap_user(alice.imap_user) is None
    (row,) = await store.outbox.lease(now=NOW, lease=SECOND, limit=10)
    assert (row.recipient, row.subscriber, row.cause) == (NEW, alice.id, Cause.STATUS)


async def test_both_numbers_have_the_change_in_their_audits(store: Store, alice: Subscriber) -> None:
    await store.numbers.renumber(ALICE, to())
    for number in (ALICE, NEW):
        entry = (await store.subscribers.audit(number, limit=10))[-1]
        assert (entry.trigger, entry.reason) == (Trigger.RENUMBERED, "ported")
        assert (entry.before, entry.after) == (alice.status, ProvisioningStatus.PROVISIONED)


async def test_what_happens_afterwards_is_told_of_the_new_number(store: Store, alice: Subscriber) -> None:
    after = await store.numbers.renumber(ALICE, to())
    await store.mailboxes.append(after.mailbox, INBOX, new_message())
    events = await store.events.page(BEGINNING, limit=100)
    assert events[-1].msisdn == NEW


async def test_the_number_that_was_left_is_free_at_once(store: Store, alice: Subscriber) -> None:
    await store.numbers.renumber(ALICE, to())
    stranger = await store.subscribers.create(new_subscriber(ALICE))
    assert stranger.mailbox != alice.mailbox
    assert await store.numbers.formerly(ALICE, now=LATER) is None


async def test_a_number_in_quarantine_is_nobodys_and_leads_to_who_had_it(
    store: Store, alice: Subscriber
) -> None:
    until = LATER + DAY
    after = await store.numbers.renumber(ALICE, to(quarantine_until=until))
    await store.subscribers.create(new_subscriber(BOB))
    assert await store.subscribers.by_msisdn(ALICE) is None
    assert await store.numbers.formerly(ALICE, now=LATER) == after
    early = new_subscriber(ALICE, created_at=LATER)
    with pytest.raises(NumberQuarantined):
        await store.subscribers.create(early)
    assert list(await store.subscribers.create_many([early])) == []
    with pytest.raises(NumberQuarantined):
        await add(store, ALICE, msisdn=BOB)
    with pytest.raises(NumberQuarantined):
        await store.numbers.renumber(BOB, to(ALICE))
    assert await store.numbers.formerly(ALICE, now=until) is None
    await store.subscribers.create(new_subscriber(ALICE, created_at=until))


async def test_who_left_a_number_may_have_it_back(store: Store, alice: Subscriber) -> None:
    await store.numbers.renumber(ALICE, to(quarantine_until=LATER + DAY))
    assert await add(store, ALICE, msisdn=NEW)
    assert await store.numbers.formerly(ALICE, now=LATER) is None
    back = await store.numbers.renumber(NEW, to(ALICE))
    assert (back.id, back.msisdn) == (alice.id, ALICE)
    assert list(await store.numbers.aliases(alice.id)) == []


async def test_quarantines_end(store: Store, alice: Subscriber) -> None:
    await store.numbers.renumber(ALICE, to(quarantine_until=LATER + DAY))
    assert await store.numbers.end_quarantines(now=LATER, limit=10) == 0
    assert await store.numbers.end_quarantines(now=LATER + DAY, limit=10) == 1
    await store.subscribers.create(new_subscriber(ALICE, created_at=LATER))


async def test_a_quarantine_outlives_who_had_the_number(store: Store, alice: Subscriber) -> None:
    await store.numbers.renumber(ALICE, to(quarantine_until=LATER + DAY))
    await store.subscribers.remove(NEW, at=LATER)
    assert await store.numbers.formerly(ALICE, now=LATER) is None
    with pytest.raises(NumberQuarantined):
        await store.subscribers.create(new_subscriber(ALICE, created_at=LATER))


async def test_nobody_gets_a_number_that_is_taken(store: Store, alice: Subscriber) -> None:
    await store.subscribers.create(new_subscriber(BOB))
    await add(store, msisdn=BOB)
    for taken in (BOB, SECOND_LINE):
        with pytest.raises(SubscriberExists):
            await store.numbers.renumber(ALICE, to(taken))
    assert await store.subscribers.by_msisdn(ALICE) == alice
    with pytest.raises(IsAlias):
        await store.numbers.renumber(SECOND_LINE, to())


async def test_of_many_who_want_a_number_at_once_one_gets_it(store: Store, alice: Subscriber) -> None:
    # Who has a number as an alias may make it their own, so different people want one and the other.
    carol, dave = Msisdn("+33612340003"), Msisdn("+33612340004")
    for other in (BOB, carol, dave):
        await store.subscribers.create(new_subscriber(other))
    new = new_subscriber(NEW)
    attempts = [
        store.subscribers.create(new),
        add(store, NEW, msisdn=carol),
        add(store, NEW, msisdn=dave),
        store.numbers.renumber(ALICE, to()),
        store.numbers.renumber(BOB, to()),
        store.subscribers.create_many([new]),
    ]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    lost = [outcome for outcome in outcomes if isinstance(outcome, SubscriberExists | UnknownSubscriber)]
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException) and outcome != []]
    assert len(won) == 1
    assert len(won) + len(lost) + outcomes.count([]) == len(attempts)
    owner = await store.subscribers.by_msisdn(NEW)
    assert owner is not None
    everybody = await store.subscribers.page(after=None, limit=10)
    own = [one.msisdn for one in everybody]
    aliases = [alias for one in everybody for alias in await store.numbers.aliases(one.id)]
    assert [*own, *aliases].count(NEW) == 1
