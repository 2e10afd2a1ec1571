# SPDX-License-Identifier: Apache-2.0
"""A change of a subscriber as a value: every adapter applies it alike, whatever transaction it is part of."""

from __future__ import annotations

from datetime import datetime

import msgspec

from vvm.domain.clock import version_after
from vvm.domain.errors import PreconditionFailed, StatusMoved, SubscriberClosed
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ClientProfile, Closing, CosName, Fallback, ProvisioningStatus, Subscriber


class SubscriberChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a change sets; None leaves a field as it is."""

    changed_at: datetime
    """The subscriber's is later where the last change was not before that: it names a version."""
    decided_on: ProvisioningStatus | None = None
    """The status that the change was decided on; with another one it is refused, raising StatusMoved."""
    decided_at: datetime | None = None
    """The ``changed_at`` that the caller had read; another one raises PreconditionFailed."""
    status: ProvisioningStatus | None = None
    client: ClientProfile | None = None
    language: str | None = None
    setup_done: bool | None = None
    max_messages: int | None = None
    password_check: bytes | None = None
    password_sealed: bytes | None = None
    pin_check: str | None = None
    """A new PIN also forgets the wrong ones that were tried."""
    previous_check: bytes | None = None
    """Of the password that is replaced, which opens the mailbox until ``previous_until``."""
    previous_until: datetime | None = None
    fallback: Fallback | None = None
    cos: CosName | None = None
    """Name of a class of service; "" for none."""
    held: bool | None = None
    """Lay a legal hold on it, or lift it."""
    closing: Closing | None = None
    reopened: bool = False
    """It is not closed any more."""
    trigger: Trigger = Trigger.OPERATOR
    """Why, for the audit."""
    reason: str = ""
    """The same in the operator's words."""

    def applied_to(self, before: Subscriber) -> Subscriber:
        """The subscriber after the change.  Raises StatusMoved, PreconditionFailed, SubscriberClosed."""
        if self.decided_at not in {None, before.changed_at}:
            raise PreconditionFailed
        if self.decided_on not in {None, before.status}:
            raise StatusMoved
        if before.closing is not None and self.status is not None and not self.reopened:
            raise SubscriberClosed
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        after = {name: said[name] for name in said.keys() & set(before.__struct_fields__)}
        after["changed_at"] = version_after(before.changed_at, self.changed_at)
        if self.reopened:
            after["closing"] = None
        return msgspec.structs.replace(before, **after)

    def audited(self, before: Subscriber) -> bool:
        """It changes the status, the password, the hold or, for an operator, the PIN."""
        moved = self.status not in {None, before.status} or self.held not in {None, before.held}
        return moved or self.password_check is not None or self.trigger is Trigger.PIN_RESET
