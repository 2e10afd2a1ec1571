# SPDX-License-Identifier: Apache-2.0
"""Messages whose octets lie in blobs: never a row without its blob, never a blob without end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.contract.adapters import BLOB_STORES, parameters
from tests.contract.samples import ALICE, BOB, NOW, new_message, new_subscriber
from vvm.domain.clock import FixedClock
from vvm.domain.cos import Cos, Limits
from vvm.domain.errors import MailboxFull, Outage
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import CosName, MailboxId, Subscriber
from vvm.services.sweeping import Sweeper, Swept
from vvm.store.blobs.key import new_key
from vvm.store.blobs.memory import MemoryBlobs
from vvm.store.blobs.port import Blob, BlobSwept
from vvm.store.port import Original, Store

AGE = timedelta(hours=1)


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs(FixedClock(NOW))


@pytest.fixture(params=parameters(BLOB_STORES))
async def store(request: pytest.FixtureRequest, blobs: MemoryBlobs, tmp_path: Path) -> AsyncIterator[Store]:
    async with BLOB_STORES[request.param](tmp_path, blobs) as opened:
        yield opened


@pytest.fixture
async def alice(store: Store) -> Subscriber:
    return await store.subscribers.create(new_subscriber())


def sweeper(store: Store, blobs: MemoryBlobs, *, later: timedelta = 2 * AGE) -> Sweeper:
    return Sweeper(blobs, store.blobs, clock=FixedClock(NOW + later), age=AGE)


async def expunge(store: Store, mailbox: MailboxId, *uids: int) -> None:
    await store.mailboxes.change_flags(mailbox, INBOX, uids, add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(mailbox, INBOX, uids)


async def test_octets_lie_in_a_blob_and_nobody_can_read_them_there(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    assert not await store.blobs.in_use()
    message = new_message(b"a secret" * 100)
    await store.mailboxes.append(alice.mailbox, INBOX, message)
    assert await store.blobs.in_use()
    ((_, octets),) = blobs.blobs.values()
    assert b"a secret" not in octets
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) == message.octets
    (record,) = await store.mailboxes.messages(alice.mailbox, INBOX, [1])
    assert (record.size, record.layout) == (800, message.layout)


async def test_an_original_has_a_blob_of_its_own(store: Store, blobs: MemoryBlobs, alice: Subscriber) -> None:
    original = Original(octets=b"as it came", layout=new_message().layout)
    message = msgspec.structs.replace(new_message(b"as it is read"), original=original)
    await store.mailboxes.append(alice.mailbox, INBOX, message)
    assert len(blobs.blobs) == 2
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) == b"as it is read"
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1, originals=True) == b"as it came"
    await expunge(store, alice.mailbox, 1)
    assert await sweeper(store, blobs)() == 2
    assert blobs.blobs == {}


async def test_a_blob_is_kept_for_a_time_after_its_message(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    """So that a database that is brought back to an earlier time finds it."""
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    await expunge(store, alice.mailbox, 1)
    now, keep = datetime.now(UTC), timedelta(hours=48)
    patient, in_time = (
        Sweeper(blobs, store.blobs, clock=FixedClock(now + later), age=AGE, keep=keep)
        for later in (keep - AGE, keep + AGE)
    )
    assert await patient() == 0
    assert len(blobs.blobs) == 1
    assert await in_time() == 1
    assert blobs.blobs == {}


async def test_the_lists_of_a_mailbox_touch_no_blob(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    blobs.blobs.clear()
    assert len(await store.mailboxes.messages(alice.mailbox, INBOX, [1])) == 1
    with pytest.raises(Outage, match="a blob is missing"):
        await store.mailboxes.octets(alice.mailbox, INBOX, 1)


async def test_a_refused_message_leaves_no_blob(store: Store, blobs: MemoryBlobs) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB, max_messages=1))
    await store.mailboxes.append(bob.mailbox, INBOX, new_message())
    with pytest.raises(MailboxFull):
        await store.mailboxes.append(bob.mailbox, INBOX, new_message())
    assert len(blobs.blobs) == 1


async def test_blobs_of_messages_that_are_gone_are_deleted_and_no_others(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    await store.mailboxes.file(alice.mailbox, INBOX, [new_message(b"1"), new_message(b"2")])
    assert await sweeper(store, blobs)() == 0
    await expunge(store, alice.mailbox, 1)
    assert await sweeper(store, blobs)() == 1
    assert await sweeper(store, blobs)() == 0
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 2) == b"2"
    assert len(blobs.blobs) == 1


async def test_a_blob_stays_for_the_last_copy(store: Store, blobs: MemoryBlobs, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"shared"))
    await store.folders.copy(alice.mailbox, INBOX, [1], INBOX)
    await expunge(store, alice.mailbox, 1)
    assert await sweeper(store, blobs)() == 0
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 2) == b"shared"
    await expunge(store, alice.mailbox, 2)
    assert await sweeper(store, blobs)() == 1


async def test_what_a_crash_left_behind_is_deleted_when_it_is_old(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"kept"))
    left = new_key(b"left")
    await blobs.put(left, b"left")
    assert await sweeper(store, blobs, later=AGE / 2).look() == Swept(deleted=0, left_behind=0)
    assert await sweeper(store, blobs).look() == Swept(deleted=1, left_behind=1)
    assert left not in blobs.blobs
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) == b"kept"


async def test_a_deposit_that_comes_after_the_sweeper_is_refused_for_now(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    """Paused for hours between its blob and its row: it must not store a row without octets."""
    late = new_key(b"late")
    await blobs.put(late, b"late")
    await sweeper(store, blobs).look()
    row = msgspec.structs.replace(new_message(), octets=Blob(key=late, size=4))
    with pytest.raises(BlobSwept):
        await store.mailboxes.append(alice.mailbox, INBOX, row)
    folder = await store.mailboxes.folder(alice.mailbox, INBOX)
    assert folder is not None
    assert (folder.messages, folder.uid_next) == (0, 1)


async def test_a_blob_that_a_late_write_brought_back_is_deleted_again(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    late = new_key(b"late")
    await blobs.put(late, b"late")
    await sweeper(store, blobs).look()
    await blobs.put(late, b"late")
    await sweeper(store, blobs).look()
    assert blobs.blobs == {}


async def test_condemned_keys_are_forgotten_after_a_long_time(store: Store, blobs: MemoryBlobs) -> None:
    key = new_key(b"left")
    assert await store.blobs.condemn([key], at=NOW) == [key]
    assert await store.blobs.forget(before=NOW + AGE, limit=10) == 0  # not deleted yet
    await store.blobs.deleted([key])
    assert await store.blobs.forget(before=NOW, limit=10) == 0
    assert await store.blobs.forget(before=NOW + AGE, limit=10) == 1
    assert await store.blobs.loose(limit=10) == []


async def test_a_blob_in_use_is_not_condemned(store: Store, blobs: MemoryBlobs, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    assert await store.blobs.condemn(list(blobs.blobs), at=NOW) == []
    assert await store.blobs.loose(limit=10) == []


async def test_with_a_subscriber_go_its_key_and_its_blobs(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"audio"))
    stolen = dict(blobs.blobs)
    wrapped = await store.blobs.data_key(alice.mailbox, b"another")
    assert wrapped not in {None, b"another"}
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.blobs.data_key(alice.mailbox, b"another") is None
    assert await sweeper(store, blobs)() == 1
    again = await store.subscribers.create(new_subscriber())
    blobs.blobs.update(stolen)
    (key,) = stolen
    row = msgspec.structs.replace(new_message(), octets=Blob(key=key, size=5))
    await store.mailboxes.append(again.mailbox, INBOX, row)
    with pytest.raises(Outage, match="does not open"):
        await store.mailboxes.octets(again.mailbox, INBOX, 1)


async def test_a_deposit_into_a_mailbox_that_is_gone_leaves_nothing(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    await store.subscribers.remove(ALICE, at=NOW)
    with pytest.raises(Exception, match="no such message"):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    assert blobs.blobs == {}


async def test_an_object_store_that_fails_costs_the_deposit_alone(
    store: Store, blobs: MemoryBlobs, alice: Subscriber
) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"before"))
    blobs.away = True
    with pytest.raises(Outage):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"lost", key="k"))
    with pytest.raises(Outage):
        await store.mailboxes.octets(alice.mailbox, INBOX, 1)
    assert len(await store.mailboxes.states(alice.mailbox, INBOX)) == 1
    blobs.away = False
    stored = await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"again", key="k"))
    assert (stored.uid, stored.created) == (2, True)


async def test_a_deleted_message_keeps_its_blobs_until_it_is_purged(store: Store, blobs: MemoryBlobs) -> None:
    gold = Cos(CosName("gold"), Limits(deleted_days=3), NOW)
    await store.cos.put(gold)
    carol = await store.subscribers.create(new_subscriber(cos=gold.name))
    original = Original(octets=b"as it came", layout=new_message().layout)
    message = msgspec.structs.replace(new_message(b"as it is read"), original=original)
    await store.mailboxes.append(carol.mailbox, INBOX, message)
    await expunge(store, carol.mailbox, 1)
    assert await sweeper(store, blobs)() == 0
    (deleted,) = await store.recovery.deleted(carol.mailbox, after=0, limit=10)
    assert await store.recovery.restore(carol.mailbox, deleted.id) == 2
    assert await store.mailboxes.octets(carol.mailbox, INBOX, 2) == b"as it is read"
    assert await store.mailboxes.octets(carol.mailbox, INBOX, 2, originals=True) == b"as it came"
    await expunge(store, carol.mailbox, 2)
    assert await store.recovery.purge(now=datetime.now(UTC) + timedelta(days=4), limit=10) == 1
    assert await sweeper(store, blobs)() == 2
    assert blobs.blobs == {}
