# SPDX-License-Identifier: Apache-2.0
"""What MailboxStore.snapshot promises: the folder and its messages, as they are at one instant."""

from __future__ import annotations

from tests.contract.samples import new_message
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Store


async def test_a_snapshot_is_the_folder_and_its_messages(store: Store, alice: Subscriber) -> None:
    mailboxes, mailbox = store.mailboxes, alice.mailbox
    for _ in range(3):
        await mailboxes.append(mailbox, INBOX, new_message())
    await mailboxes.change_flags(mailbox, INBOX, [1, 2], add=Flags.DELETED, remove=Flags(0))
    await mailboxes.expunge(mailbox, INBOX, [1])
    snapshot = await mailboxes.snapshot(mailbox, INBOX)
    assert snapshot is not None
    assert snapshot.folder == await mailboxes.folder(mailbox, INBOX)
    assert list(snapshot.messages) == list(await mailboxes.states(mailbox, INBOX))
    assert [(state.uid, state.flags) for state in snapshot.messages] == [(2, Flags.DELETED), (3, Flags(0))]


async def test_of_a_folder_that_is_not_there_is_no_snapshot(store: Store, alice: Subscriber) -> None:
    assert await store.mailboxes.snapshot(alice.mailbox, "Elsewhere") is None
