# SPDX-License-Identifier: Apache-2.0
"""A change of a subscriber as a value: every adapter applies it alike, whatever transaction it is part of."""

from __future__ import annotations

from datetime import datetime

import msgspec

from vvm.domain.clock import version_after
from vvm.domain.errors import PreconditionFailed, StatusMoved, SubscriberClosed
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ClientProfile, Closing, CosName, Fallback, ProvisioningStatus, Subscriber

_ITEMS = ("language", "max_messages", "setup_done", "fallback", "cos")


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
    itemized: bool = False
    """An operator's: the audit names each field that it changes."""

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
        """It changes the status, the password, the hold or, for an operator, the PIN or whatever it is."""
        moved = self.status not in {None, before.status} or self.held not in {None, before.held}
        return (
            moved
            or self.password_check is not None
            or self.trigger is Trigger.PIN_RESET
            or bool(self._items(before))
        )

    def told(self, before: Subscriber) -> str:
        """The reason for the audit, with what an operator's change was and is; no secret is in it."""
        return "; ".join(filter(None, (self.reason, *self._items(before))))

    def _items(self, before: Subscriber) -> list[str]:
        if not self.itemized:
            return []
        pairs = [(name, getattr(before, name), getattr(self, name)) for name in _ITEMS]
        if self.client is not None:
            fields = ClientProfile.__struct_fields__
            pairs += [(f"client.{x}", getattr(before.client, x), getattr(self.client, x)) for x in fields]
        items = [f"{name} {_word(was)} -> {_word(now)}" for name, was, now in pairs if now not in {None, was}]
        if self.pin_check is not None and self.trigger is not Trigger.PIN_RESET:
            items.append("a new PIN")
        if self.closing is not None and before.closing is not None:
            items += _end(before.closing, self.closing)
        return items


def _end(was: Closing, now: Closing) -> list[str]:
    """What is another end of who is closed already."""
    pairs = (("closing_at", was.at.isoformat(), now.at.isoformat()), ("reopens as", was.before, now.before))
    return [f"{name} {before} -> {after}" for name, before, after in pairs if before != after]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or '""'
