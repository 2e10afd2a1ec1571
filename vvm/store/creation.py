# SPDX-License-Identifier: Apache-2.0
"""A subscriber that is to be: a part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from datetime import datetime

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import (
    ClientProfile,
    Closing,
    CosName,
    Fallback,
    MailboxId,
    ProvisioningStatus,
    Subscriber,
    SubscriberId,
)
from vvm.store.lists import Audited


class NewSubscriber(msgspec.Struct, frozen=True):
    msisdn: Msisdn
    status: ProvisioningStatus
    client: ClientProfile
    language: str
    setup_done: bool
    max_messages: int
    imap_user: str
    password_check: bytes
    password_sealed: bytes
    created_at: datetime
    pin_check: str | None = None
    fallback: Fallback = Fallback.NONE
    cos: CosName = CosName("")
    """Name of a class of service; "" for none."""
    aliases: tuple[Msisdn, ...] = ()
    """In the order of numbers; none is its own."""
    held: bool = False
    """A legal hold lies on it from the beginning."""
    closing: Closing | None = None
    """It is closed already, and ``status`` is UNKNOWN."""
    reason: str = ""
    """Of the hold, the closure and the aliases, in the operator's words."""

    @property
    def numbers(self) -> tuple[Msisdn, ...]:
        """All that lead to it, its own first."""
        return (self.msisdn, *self.aliases)

    def born(self, subscriber: SubscriberId, mailbox: MailboxId) -> Subscriber:
        fields = msgspec.structs.asdict(self)
        for name in ("aliases", "reason"):
            del fields[name]
        return Subscriber(id=subscriber, mailbox=mailbox, changed_at=self.created_at, **fields)

    def transitions(self) -> list[Audited]:
        """What the audit has of it, in this order."""
        at, status = self.created_at, self.status if self.closing is None else self.closing.before
        steps = [Audited(self.msisdn, at, Trigger.CREATED, None, status)]
        for alias in self.aliases:
            reason = f"{alias} {self.reason}".strip()
            steps.append(Audited(self.msisdn, at, Trigger.ALIAS_ADDED, status, status, reason))
        if self.held:
            steps.append(Audited(self.msisdn, at, Trigger.HELD, status, status, self.reason))
        if self.closing is not None:
            steps.append(Audited(self.msisdn, at, Trigger.CLOSED, status, self.status, self.reason))
        return steps
