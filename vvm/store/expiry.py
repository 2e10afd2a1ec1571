# SPDX-License-Identifier: Apache-2.0
"""What the services ask of messages that get too old for the class of service of their owner.

A walk through a class reads a page of its subscribers at a time and writes nothing; only where something
is due there is a transaction, one a mailbox.  Greetings do not expire, nor does anything of a subscriber
who is closed or on whom a legal hold lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName, MailboxId, Subscriber, SubscriberId


class Ages(msgspec.Struct, frozen=True):
    """Messages that were received up to a moment; None: that is not asked."""

    expired: datetime | None = None
    """Whatever it is."""
    heard_expired: datetime | None = None
    """Those that were heard."""
    announced: datetime | None = None
    """Those that expire soon."""


class Aged(msgspec.Struct, frozen=True):
    subscriber: Subscriber
    expired: bool
    """It has messages that are expired."""
    unannounced: bool
    """It has messages that expire soon, of which it was not told."""


class ExpiryStore(Protocol):
    async def of_class(self, cos: CosName, ages: Ages, *, after: Msisdn | None, limit: int) -> Sequence[Aged]:
        """Up to ``limit`` subscribers of a class in the order of their numbers, after the one given."""
        ...

    async def expire(self, mailbox: MailboxId, ages: Ages, owed: Sequence[Owed] = ()) -> int:
        """Remove the messages that are expired, as ``MailboxStore.expunge`` does; how many they were.

        Owes ``owed`` when there were any.  None when a hold was laid or the subscriber closed meanwhile.
        """
        ...

    async def announce(self, subscriber: SubscriberId, *, until: datetime, owed: Sequence[Owed]) -> bool:
        """Owe the announcement of those that were received up to then; False: that was done before."""
        ...
