# SPDX-License-Identifier: Apache-2.0
"""What a method of the port has returned from is there for whoever opens the same store.

tests/process has the harder half: the process is killed, and the same must hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.contract.adapters import DURABLE_STORES, OpenStore, parameters
from tests.contract.samples import (
    ALICE,
    BOB,
    MINUTE,
    NOW,
    new_inbound,
    new_message,
    new_subscriber,
    owed_to,
    owed_to_stranger,
)
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Leased
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.store.port import (
    Acceptance,
    Changes,
    DeletedMessage,
    FolderEntry,
    FolderSnapshot,
    Inbound,
    KeywordChange,
    MessageRecord,
    Settlement,
    Store,
    Stored,
    SubscriberChange,
)

LATER = NOW + timedelta(days=1)


class _Seen(msgspec.Struct, frozen=True):
    """All that can be read of a store without changing it."""

    subscribers: Sequence[Subscriber]
    changes: Sequence[Changes | None]
    records: Sequence[Sequence[MessageRecord]]
    octets: Sequence[bytes | None]
    folders: Sequence[Sequence[FolderEntry]]
    subscriptions: Sequence[Sequence[str]]
    filed: Sequence[FolderSnapshot | None]
    deleted: Sequence[Sequence[DeletedMessage]]
    aliases: Sequence[Sequence[Msisdn]]
    owed: int
    pending: Sequence[Inbound]


async def look(store: Store) -> _Seen:
    people = await store.subscribers.page(after=None, limit=10)
    boxes = [person.mailbox for person in people]
    return _Seen(
        subscribers=people,
        changes=[await store.mailboxes.changes(box, INBOX, 0) for box in boxes],
        records=[await store.mailboxes.messages(box, INBOX, [1, 2, 3, 4]) for box in boxes],
        octets=[await store.mailboxes.octets(box, INBOX, uid) for box in boxes for uid in (1, 2, 3)],
        folders=[await store.folders.all(box) for box in boxes],
        subscriptions=[await store.folders.subscriptions(box) for box in boxes],
        filed=[await store.mailboxes.snapshot(box, "Work/2026") for box in boxes],
        deleted=[await store.recovery.deleted(box, after=0, limit=10) for box in boxes],
        aliases=[await store.numbers.aliases(person.id) for person in people],
        owed=(await store.outbox.counts()).owed,
        pending=await store.inbound.pending(limit=10),
    )


async def live(store: Store) -> Leased:
    """Use every method that writes; the row that comes back is still leased, and half sent."""
    alice = await store.subscribers.create(new_subscriber())
    bob = await store.subscribers.create(new_subscriber(BOB))
    for index in range(3):
        message = new_message(b"x" * (100 + index), key=f"k{index}")
        await store.mailboxes.append(alice.mailbox, INBOX, message, [owed_to_stranger(index)])
    await store.mailboxes.append(bob.mailbox, INBOX, new_message())
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, held=True))
    await store.numbers.add_alias(BOB, Msisdn("+33612000002"), most=5, at=NOW)
    seen, deleted = Flags.SEEN, Flags.DELETED
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1, 2], add=deleted, remove=Flags(0))
    await store.mailboxes.expunge(alice.mailbox, INBOX, [2])
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1, 3], add=seen, remove=deleted)
    await store.folders.create(bob.mailbox, "Work/2027", special_use="\\Archive", at=NOW, most=5)
    await store.folders.rename(bob.mailbox, "Work/2027", "Work/2026", at=NOW, most=5)
    await store.folders.create(bob.mailbox, "Gone", at=NOW, most=5)
    await store.folders.delete(bob.mailbox, "Gone")
    await store.folders.subscribe(bob.mailbox, "Work", wanted=True, most=5)
    await store.folders.copy(bob.mailbox, INBOX, [1], "Work/2026")
    await store.folders.move(bob.mailbox, INBOX, [1], "Work/2026")
    await store.mailboxes.file(bob.mailbox, "Work/2026", [new_message()] * 2)
    await store.mailboxes.change_flags(
        bob.mailbox, "Work/2026", [2], add=seen, remove=deleted, keywords=KeywordChange(frozenset({"$Work"}))
    )
    await store.outbox.owe([owed_to(bob)])
    await store.inbound.save(new_inbound("i1"))
    await store.inbound.save(new_inbound("i2"))
    first, _ = await store.inbound.pending(limit=10)
    change = SubscriberChange(changed_at=LATER, status=ProvisioningStatus.READY)
    await store.inbound.settle(first.id, msisdn=ALICE, change=change, owed=[owed_to(alice)])
    await store.subscribers.change(BOB, SubscriberChange(changed_at=LATER, language="fra"))
    half_sent, closed = await store.outbox.lease(now=NOW, lease=MINUTE, limit=2)
    await store.outbox.accepted(half_sent, Acceptance(1, 2, "a1"), now=NOW)
    await store.outbox.settle(closed, Settlement.SENT, now=NOW)
    return half_sent


@pytest.mark.parametrize("adapter", parameters(DURABLE_STORES))
async def test_who_opens_the_same_store_sees_the_same(adapter: str, tmp_path: Path) -> None:
    open_store: OpenStore = DURABLE_STORES[adapter]
    async with open_store(tmp_path) as first:
        half_sent = await live(first)
        expected = await look(first)
        async with open_store(tmp_path) as beside:
            assert await look(beside) == expected
    async with open_store(tmp_path) as after:
        assert await look(after) == expected
        again = {row.id: row for row in await after.outbox.lease(now=LATER, lease=MINUTE, limit=10)}
        assert len(again) == expected.owed == 4
        assert again[half_sent.id].accepted == frozenset({1})
        assert again[half_sent.id].attempt == 2
        alice = expected.subscribers[0]
        assert await after.mailboxes.append(alice.mailbox, INBOX, new_message(key="k1")) == Stored(
            2, created=False
        )
        assert not await after.inbound.save(new_inbound("i2"))
