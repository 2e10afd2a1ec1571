# SPDX-License-Identifier: Apache-2.0
"""What an operator looks through: lists with filters, in pages.

A part of ``vvm.store.port``, where its words are explained.  What a filter leaves at its default it does not
ask for.  A page costs what it holds, however long its list is: every filter has an index, and of several
together the one that is expected to leave the fewest is looked up, the others are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from vvm.domain.actor import actor
from vvm.domain.message import INBOX
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, MailboxId, ProvisioningStatus, Subscriber
from vvm.store.messages import MessageRecord


class SubscriberFilter(msgspec.Struct, frozen=True, kw_only=True):
    status: ProvisioningStatus | None = None
    cos: CosName | None = None
    """Name of a class of service; "" for those that have none."""
    language: str | None = None
    client_type: str | None = None
    """What the client calls itself, exactly; "" where that is not known."""
    prefix: str = ""
    """What the number begins with: a plus sign and digits."""
    changed_since: datetime | None = None
    """Changed then or later."""


class SubscriberPlace(msgspec.Struct, frozen=True, array_like=True):
    """The last subscriber of a page, behind which the next one begins."""

    msisdn: Annotated[Msisdn, msgspec.Meta(pattern=r"^\+[0-9]{1,15}$")]
    changed_at: Annotated[datetime, msgspec.Meta(tz=True)]


class Audited(msgspec.Struct, frozen=True):
    """One transition of a subscriber, kept when the subscriber is gone."""

    msisdn: Msisdn
    at: datetime
    trigger: Trigger | str
    """A text where only a newer release knows it."""
    before: ProvisioningStatus | None
    """None at creation."""
    after: ProvisioningStatus | None
    """None at removal."""
    reason: str = ""
    """What the operator said of it, and what was changed."""
    actor: str = msgspec.field(default_factory=actor)
    """Who did it (vvm.domain.actor)."""


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    msisdn: Msisdn | None = None
    actor: str | None = None
    trigger: Trigger | None = None
    since: datetime | None = None
    """Then or later."""
    until: datetime | None = None
    """Before then."""


class AuditPlace(msgspec.Struct, frozen=True, array_like=True):
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class AuditRecord(msgspec.Struct, frozen=True):
    id: int
    entry: Audited


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    folder: str = INBOX
    seen: bool | None = None
    caller: str | None = None
    """Exactly as the network gave it; "" for those whose number was restricted."""
    since: datetime | None = None
    """Received then or later."""


class ListStore(Protocol):
    async def subscribers(
        self, wanted: SubscriberFilter, *, after: SubscriberPlace | None, limit: int
    ) -> Sequence[Subscriber]:
        """In the order of their numbers; with ``changed_since`` in that of their changes, the oldest first.

        So who changes while the latter is read comes once more, at its end, and nobody is missed.
        """
        ...

    async def audit(
        self, wanted: AuditFilter, *, after: AuditPlace | None, limit: int
    ) -> Sequence[AuditRecord]:
        """The newest first."""
        ...

    async def messages(
        self, mailbox: MailboxId, wanted: MessageFilter, *, after: int, limit: int
    ) -> Sequence[MessageRecord]:
        """Of one folder, by UID, behind the one given; none where there is no such folder."""
        ...
