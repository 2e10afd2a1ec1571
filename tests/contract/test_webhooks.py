# SPDX-License-Identifier: Apache-2.0
"""What WebhookStore promises: one worker at a time, and a round is written down whole or not at all."""

from __future__ import annotations

import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, SECOND, new_subscriber
from vvm.domain.errors import BadCursor, TooManyWebhooks
from vvm.domain.event import EventKind
from vvm.store.events import BEGINNING, NewWebhook, Round, Webhook
from vvm.store.port import Store

NEW = NewWebhook(
    url="https://crm.example.net/vvm",
    kinds=(EventKind.MESSAGE_DEPOSITED, EventKind.MESSAGE_FLAGS),
    secret_sealed=b"\x03" * 40,
    cursor=BEGINNING,
    created_at=NOW,
)


@pytest.fixture
async def hook(store: Store) -> Webhook:
    """A webhook, and two events that it has not seen."""
    await store.subscribers.create(new_subscriber())
    await store.subscribers.create(new_subscriber(BOB))
    return await store.webhooks.add_webhook(NEW, most=2)


async def take(store: Store) -> Webhook:
    taken = await store.webhooks.take_webhook(now=NOW, lease=MINUTE)
    assert taken is not None
    return taken


async def parked(store: Store, hook: Webhook) -> None:
    """One event of each subscriber tried again in a minute, and one more of Alice's behind hers."""
    ours, theirs = await store.events.page(BEGINNING, limit=2)
    later = NOW + MINUTE
    park = ((ours, later, "503"), (theirs, NOW, "503"), (ours, NOW, "waits"))
    taken = await take(store)
    cursor = await store.events.newest()
    await store.webhooks.settle_webhook(taken, Round(cursor=cursor, failures=0, due_at=NOW, park=park))


async def test_a_webhook_is_found_as_it_was_added(store: Store, hook: Webhook) -> None:
    assert list(await store.webhooks.webhooks()) == [hook]
    assert (hook.url, hook.kinds, hook.secret_sealed) == (NEW.url, NEW.kinds, NEW.secret_sealed)
    assert (hook.cursor, hook.paused, hook.failures) == (BEGINNING, False, 0)


async def test_there_are_only_so_many(store: Store, hook: Webhook) -> None:
    await store.webhooks.add_webhook(NEW, most=2)
    with pytest.raises(TooManyWebhooks, match="2"):
        await store.webhooks.add_webhook(NEW, most=2)


async def test_a_webhook_is_one_workers_until_its_lease_ends(store: Store, hook: Webhook) -> None:
    taken = await take(store)
    assert taken.due_at == NOW + MINUTE
    assert await store.webhooks.take_webhook(now=NOW, lease=MINUTE) is None
    assert await store.webhooks.take_webhook(now=NOW + MINUTE, lease=MINUTE) is not None
    await store.webhooks.settle_webhook(taken, Round(cursor="1", failures=0, due_at=NOW))
    (kept,) = await store.webhooks.webhooks()
    assert kept.cursor == BEGINNING


async def test_a_webhook_without_anything_to_do_is_not_taken(store: Store, hook: Webhook) -> None:
    taken = await take(store)
    newest = await store.events.newest()
    await store.webhooks.settle_webhook(taken, Round(cursor=newest, failures=0, due_at=NOW))
    assert await store.webhooks.take_webhook(now=NOW, lease=MINUTE) is None
    await store.subscribers.remove(ALICE, at=NOW)
    assert (await take(store)).cursor == newest


async def test_a_paused_webhook_is_not_taken(store: Store, hook: Webhook) -> None:
    await store.webhooks.settle_webhook(
        await take(store), Round(cursor=BEGINNING, failures=1, due_at=NOW, pause=True)
    )
    assert await store.webhooks.take_webhook(now=NOW, lease=MINUTE) is None
    resumed = await store.webhooks.set_webhook(hook.id, now=NOW, paused=False)
    assert resumed is not None
    assert (resumed.paused, resumed.failures) == (False, 0)
    await take(store)


async def test_of_each_subscriber_only_the_oldest_is_tried_again(store: Store, hook: Webhook) -> None:
    await parked(store, hook)
    now = await store.webhooks.parked(hook.id, now=NOW, limit=9)
    assert [one.event.msisdn for one in now] == [BOB]
    later = await store.webhooks.parked(hook.id, now=NOW + MINUTE, limit=9)
    assert [(one.event.msisdn, one.error) for one in later] == [(BOB, "503"), (ALICE, "503")]
    assert await store.webhooks.parked_subscribers(hook.id, {ALICE, BOB}) == {ALICE, BOB}
    assert await store.webhooks.parked_subscribers(hook.id, {BOB}) == {BOB}


async def test_what_waits_behind_another_event_is_nothing_to_do(store: Store, hook: Webhook) -> None:
    await parked(store, hook)
    (bob,) = await store.webhooks.parked(hook.id, now=NOW, limit=9)
    newest = await store.events.newest()
    outcome = Round(cursor=newest, failures=0, due_at=NOW, delivered=(bob.id,))
    await store.webhooks.settle_webhook(await take(store), outcome)
    assert await store.webhooks.take_webhook(now=NOW, lease=MINUTE) is None
    assert await store.webhooks.take_webhook(now=NOW + MINUTE, lease=MINUTE) is not None


async def test_a_parked_event_gets_through_dies_and_is_revived(store: Store, hook: Webhook) -> None:
    await parked(store, hook)
    bob, alice = await store.webhooks.parked(hook.id, now=NOW + MINUTE, limit=9)
    outcome = Round(
        cursor=await store.events.newest(),
        failures=0,
        due_at=NOW,
        delivered=(bob.id,),
        again=((alice.id, None, "404"),),
    )
    await store.webhooks.settle_webhook(await take(store), outcome)
    (dead,) = await store.webhooks.dead_events(hook.id, after=0, limit=9)
    assert (dead.id, dead.error, dead.attempts, dead.due_at) == (alice.id, "404", 2, None)
    assert dead.event == alice.event
    (behind,) = await store.webhooks.parked(hook.id, now=NOW + MINUTE, limit=9)
    assert behind.error == "waits"
    assert not await store.webhooks.revive(hook.id, behind.id, now=NOW)
    assert await store.webhooks.revive(hook.id, dead.id, now=NOW)
    (again,) = await store.webhooks.parked(hook.id, now=NOW, limit=9)
    assert (again.id, again.attempts) == (dead.id, 0)


async def test_a_replay_forgets_what_is_parked(store: Store, hook: Webhook) -> None:
    await parked(store, hook)
    replayed = await store.webhooks.set_webhook(hook.id, now=NOW + SECOND, cursor=BEGINNING)
    assert replayed is not None
    assert (replayed.cursor, replayed.due_at) == (BEGINNING, NOW + SECOND)
    assert list(await store.webhooks.parked(hook.id, now=NOW + MINUTE, limit=9)) == []
    with pytest.raises(BadCursor):
        await store.webhooks.set_webhook(hook.id, now=NOW, cursor="nonsense")


async def test_a_removed_webhook_is_gone_with_what_is_parked(store: Store, hook: Webhook) -> None:
    await parked(store, hook)
    assert await store.webhooks.remove_webhook(hook.id)
    assert not await store.webhooks.remove_webhook(hook.id)
    assert await store.webhooks.set_webhook(hook.id, now=NOW, paused=True) is None
    assert list(await store.webhooks.parked(hook.id, now=NOW + MINUTE, limit=9)) == []
