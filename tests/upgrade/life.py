# SPDX-License-Identifier: Apache-2.0
"""The life of a mailbox that began with the first release, as today's program must find it."""

from __future__ import annotations

from datetime import timedelta

from tests.contract.samples import ALICE, MINUTE, NOW, new_message
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import MailboxId, ProvisioningStatus
from vvm.store.port import MailboxStore, Store


async def assert_everything_is_there_and_goes_on(store: Store) -> None:
    alice = await store.subscribers.by_msisdn(ALICE)
    assert alice is not None
    assert (alice.status, alice.client.port, alice.language) == (ProvisioningStatus.READY, 5500, "fra")
    box = alice.mailbox
    folder = await store.mailboxes.folder(box, INBOX)
    assert folder is not None
    assert (folder.uid_validity, folder.uid_next, folder.highest_modseq) == (4711, 6, 9)
    heard, fresh = await store.mailboxes.messages(box, INBOX, [1, 2, 3, 4, 5])
    assert (heard.uid, heard.flags, heard.caller) == (3, Flags.SEEN, "+33698765432")
    assert (fresh.uid, fresh.flags, fresh.layout) == (5, Flags(0), new_message().layout)
    assert fresh.received_at.utcoffset() == timedelta(hours=1)
    assert await store.mailboxes.octets(box, INBOX, 3) == b"octets of   1"
    changes = await store.mailboxes.changes(box, INBOX, 4)
    assert changes is not None
    assert list(changes.expunged) == [4]
    assert [entry.name for entry in await store.folders.all(box)] == [INBOX, GREETINGS]
    (owed,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert (owed.recipient, owed.cause, owed.uid) == (ALICE, Cause.NEW_MESSAGE, 5)
    assert [sms.text for sms in await store.inbound.pending(limit=10)] == ["STATUS"]
    await _goes_on(store.mailboxes, box)


async def _goes_on(mailboxes: MailboxStore, box: MailboxId) -> None:
    known = await mailboxes.append(box, INBOX, new_message(key="k3"))
    assert (known.uid, known.created) == (3, False)
    stored = await mailboxes.append(box, INBOX, new_message(key="k6"))
    assert (stored.uid, stored.created) == (6, True)
