# SPDX-License-Identifier: Apache-2.0
"""What a process hears of the commits of another one on the same SQLite file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.contract.samples import ALICE, BOB, NOW, new_message, new_subscriber
from vvm.domain.message import INBOX
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus
from vvm.store.hints.local import LocalHints
from vvm.store.port import SubscriberChange
from vvm.store.sqlite.adapter import open_sqlite


async def test_who_is_blocked_or_gets_a_message_elsewhere_is_hinted_and_nobody_else(tmp_path: Path) -> None:
    hints, heard = LocalHints(), list[str]()
    path = tmp_path / "vvm.db"
    async with open_sqlite(path) as here, open_sqlite(path) as elsewhere:
        alice = await elsewhere.subscribers.create(new_subscriber(ALICE))
        bob = await elsewhere.subscribers.create(new_subscriber(BOB))
        here.pass_on_hints(hints)
        hints.watch(alice.mailbox, lambda: heard.append("alice"))
        hints.watch(bob.mailbox, lambda: heard.append("bob"))
        await elsewhere.subscribers.change(
            ALICE,
            SubscriberChange(
                changed_at=NOW + timedelta(seconds=1),
                status=ProvisioningStatus.BLOCKED,
                trigger=Trigger.BLOCKED,
            ),
        )
        here.pass_on_hints(hints)
        assert heard == ["alice"]
        await elsewhere.mailboxes.append(bob.mailbox, INBOX, new_message())
        here.pass_on_hints(hints)
        here.pass_on_hints(hints)
        assert heard == ["alice", "bob"]
