# SPDX-License-Identifier: Apache-2.0
"""Of two who decided on the same version exactly one changes it, whatever the thing is (RFC 9110 13.1.1).

A writer is given how to read a version and what to do with it; the race is the same for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import msgspec
import pytest

from tests.contract.samples import ALICE, MINUTE, NOW, new_message, new_subscriber, owed_to
from tests.contract.test_devices import new_device
from tests.contract.test_webhooks import NEW
from vvm.domain.cos import Cos, Limits, NoSuchCos
from vvm.domain.errors import PreconditionFailed, UnknownMessage, UnknownSubscriber, UnknownWebhook
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import CosName, MailboxId, Subscriber
from vvm.store.port import MessageRecord, MessageState, Store, SubscriberChange

GOLD = CosName("gold")
GONE = (UnknownSubscriber, UnknownMessage, NoSuchCos, UnknownWebhook)


async def race(*writers: Awaitable[object]) -> None:
    """All at once; exactly one has its way, and the others hear why not."""
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == len(writers) - 1, outcomes
    assert all(isinstance(one, (PreconditionFailed, *GONE)) for one in refused), refused


async def changed(states: Awaitable[Sequence[MessageState]]) -> None:
    """A change of flags says by an empty answer that it named nothing."""
    if not await states:
        raise PreconditionFailed


async def true(answer: Awaitable[bool]) -> None:
    if not await answer:
        raise PreconditionFailed


def marked(store: Store, mailbox: MailboxId, folder: str, since: int, flag: Flags) -> Awaitable[None]:
    return changed(
        store.mailboxes.change_flags(mailbox, folder, [1], add=flag, remove=Flags(0), unchanged_since=since)
    )


async def only(store: Store, mailbox: MailboxId, folder: str) -> MessageRecord:
    (found,) = await store.mailboxes.messages(mailbox, folder, [1])
    return found


async def test_of_changes_of_a_subscriber_one_wins(store: Store, alice: Subscriber) -> None:
    def change(language: str) -> Awaitable[object]:
        return store.subscribers.change(
            ALICE, SubscriberChange(changed_at=NOW, decided_at=alice.changed_at, language=language)
        )

    await race(change("fra"), change("deu"), change("spa"))


async def test_of_a_change_and_a_removal_of_a_subscriber_one_wins(store: Store, alice: Subscriber) -> None:
    change = SubscriberChange(changed_at=NOW, decided_at=alice.changed_at, language="fra")
    await race(
        store.subscribers.remove(ALICE, at=NOW, decided_at=alice.changed_at),
        store.subscribers.change(ALICE, change),
    )


async def test_of_changes_of_a_class_one_wins(store: Store) -> None:
    cos, _ = await store.cos.put(Cos(GOLD, Limits(), NOW))

    def change(most: int) -> Awaitable[object]:
        return store.cos.put(Cos(GOLD, Limits(max_messages=most), NOW), decided_at=cos.changed_at)

    await race(change(1), change(2), store.cos.remove(GOLD, decided_at=cos.changed_at))


async def test_of_those_who_add_the_same_class_one_wins(store: Store) -> None:
    await race(
        *(store.cos.put(Cos(GOLD, Limits(max_messages=most), NOW), exists=False) for most in (1, 2, 3))
    )


async def test_a_class_that_has_to_be_there_is_not_added(store: Store) -> None:
    for exists, decided_at in ((True, None), (None, NOW)):
        with pytest.raises(PreconditionFailed):
            await store.cos.put(Cos(GOLD, Limits(), NOW), exists=exists, decided_at=decided_at)
    assert await store.cos.by_name(GOLD) is None
    with pytest.raises(NoSuchCos):
        await store.cos.remove(GOLD, decided_at=NOW)


@pytest.mark.parametrize("folder", [INBOX, GREETINGS])
@pytest.mark.parametrize("already", [Flags(0), Flags.DELETED])
async def test_of_a_mark_and_a_deletion_of_a_message_one_wins(
    store: Store, alice: Subscriber, folder: str, already: Flags
) -> None:
    box, new = alice.mailbox, msgspec.structs.replace(new_message(), flags=already)
    await store.mailboxes.append(box, folder, new)
    since = (await only(store, box, folder)).modseq
    await race(
        marked(store, box, folder, since, Flags.SEEN),
        store.recovery.delete(box, folder, 1, unchanged_since=since),
        marked(store, box, folder, since, Flags.FLAGGED),
        store.recovery.delete(box, folder, 1, unchanged_since=since),
    )


async def test_a_deleted_message_is_gone_for_every_view_and_told(store: Store) -> None:
    await store.cos.put(Cos(GOLD, Limits(deleted_days=3), NOW))
    alice = await store.subscribers.create(new_subscriber(cos=GOLD))
    for _ in range(2):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    before = await store.mailboxes.folder(alice.mailbox, INBOX)
    assert before is not None
    owed = [owed_to(alice, cause=Cause.MAILBOX_UPDATE)]
    await store.recovery.delete(alice.mailbox, INBOX, 1, owed=owed)
    changes = await store.mailboxes.changes(alice.mailbox, INBOX, before.highest_modseq)
    assert changes is not None
    assert (list(changes.expunged), changes.folder.messages, changes.folder.unseen) == ([1], 1, 1)
    (kept,) = await store.recovery.deleted(alice.mailbox, after=0, limit=10)
    assert kept.uid == 1
    assert (await store.outbox.counts()).owed == 1
    with pytest.raises(UnknownMessage):
        await store.recovery.delete(alice.mailbox, INBOX, 1, owed=owed)
    with pytest.raises(UnknownMessage):
        await store.recovery.delete(alice.mailbox, "Nowhere", 2)


async def test_of_changes_of_a_webhook_one_wins(store: Store) -> None:
    hook = await store.webhooks.add_webhook(NEW, most=2)

    async def post_to(url: str) -> None:
        if await store.webhooks.set_webhook(hook.id, now=NOW, url=url, as_read=hook) is None:
            raise UnknownWebhook

    async def remove() -> None:
        if not await store.webhooks.remove_webhook(hook.id, as_read=hook):
            raise UnknownWebhook

    await race(post_to("https://a.example.net"), post_to("https://b.example.net"), remove())


async def test_a_webhook_that_only_got_further_is_still_as_it_was_read(store: Store) -> None:
    hook = await store.webhooks.add_webhook(NEW, most=2)
    await store.subscribers.create(new_subscriber())
    moved = await store.webhooks.set_webhook(hook.id, now=NOW, cursor=await store.events.newest())
    assert moved is not None
    changed_hook = await store.webhooks.set_webhook(hook.id, now=NOW, paused=True, as_read=hook)
    assert changed_hook is not None
    assert changed_hook.paused
    with pytest.raises(PreconditionFailed):
        await store.webhooks.remove_webhook(hook.id, as_read=hook)
    assert await store.webhooks.remove_webhook(hook.id, as_read=changed_hook)


async def test_a_device_that_logged_in_since_is_not_revoked(store: Store, alice: Subscriber) -> None:
    device = await store.devices.add(new_device(alice), most=1)
    await store.devices.used(device.id, at=NOW + MINUTE)
    with pytest.raises(PreconditionFailed):
        await store.devices.revoke(alice.id, device.id, as_read=device)
    used = await store.devices.by_id(device.id)
    assert used is not None
    assert await store.devices.revoke(alice.id, device.id, as_read=used)


async def test_of_those_who_revoke_a_device_one_wins(store: Store, alice: Subscriber) -> None:
    device = await store.devices.add(new_device(alice), most=1)
    await race(*(true(store.devices.revoke(alice.id, device.id, as_read=device)) for _ in range(3)))
