# SPDX-License-Identifier: Apache-2.0
"""What the services ask of the numbers of a subscriber: its own, aliases, and the one that it had.

A number is somebody's own or somebody's alias, and never two of these.  ``SubscriberStore.by_msisdn``
finds a subscriber by either, and so does whatever takes a number; only the own number stands in the
subscriber, in the audit and in the event feed.  A method is one transaction, as in ``vvm.store.port``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.store.change import SubscriberChange


class Renumbering(msgspec.Struct, frozen=True):
    """Another own number.  The IMAP user is named after it, so there is a password for that name too."""

    msisdn: Msisdn
    imap_user: str
    change: SubscriberChange
    """With the password for ``imap_user``."""
    quarantine_until: datetime | None = None
    """Until when the number that it had is nobody's, and leads deposits to it; None: it is free at once."""


class NumberStore(Protocol):
    async def aliases(self, subscriber: SubscriberId) -> Sequence[Msisdn]:
        """In the order of numbers."""
        ...

    async def aliases_of(
        self, subscribers: Collection[SubscriberId]
    ) -> Mapping[SubscriberId, Sequence[Msisdn]]:
        """The same of several; who has none is left out."""
        ...

    async def add_alias(
        self, msisdn: Msisdn, alias: Msisdn, *, most: int, at: datetime, reason: str = ""
    ) -> bool:
        """Let a subscriber be found by a second number; False when it is so already.

        Raises UnknownSubscriber, SubscriberExists when the number is somebody's, NumberQuarantined,
        TooManyAliases.
        """
        ...

    async def remove_alias(self, msisdn: Msisdn, alias: Msisdn, *, at: datetime, reason: str = "") -> None:
        """The number is free; a client that it activated hears by the own number from now on.

        Raises UnknownSubscriber, UnknownAlias.
        """
        ...

    async def renumber(
        self, msisdn: Msisdn, renumbering: Renumbering, owed: Sequence[Owed] = ()
    ) -> Subscriber:
        """Give a subscriber another own number, which may be one of its aliases or the one that it had.

        Both numbers have the transition in their audits.  Raises UnknownSubscriber, IsAlias when
        ``msisdn`` is not its own, SubscriberExists, NumberQuarantined, and what
        ``SubscriberStore.change`` raises.
        """
        ...

    async def formerly(self, msisdn: Msisdn, *, now: datetime) -> Subscriber | None:
        """Who had a number that is in quarantine."""
        ...

    async def end_quarantines(self, *, now: datetime, limit: int) -> int:
        """Forget those that are over; how many they were."""
        ...


def no_more_by_alias(subscriber: Subscriber, *, at: datetime) -> SubscriberChange:
    """What the end of the alias that activated the client changes."""
    client = msgspec.structs.replace(subscriber.client, number="")
    return SubscriberChange(changed_at=at, client=client)
