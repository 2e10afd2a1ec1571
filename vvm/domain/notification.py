# SPDX-License-Identifier: Apache-2.0
"""A notification that is owed to a subscriber's phone.

The row says what happened; the text is made when it is sent, so that counts and credentials
are those of that moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import SubscriberId


class Family(StrEnum):
    """Notifications of one family to one recipient are one while they wait: the later one joins.

    What is due is sent in the order of the families.
    """

    STATUS = "status"
    CODE = "code"
    PIN = "pin"
    SYNC = "sync"
    WARNING = "warning"
    EXPIRY = "expiry"
    GREETING = "greeting"
    """A SYNC too, and one of its own: "look at the mailbox" does not mean "look at the greetings"."""
    LAMP = "lamp"
    TEXT = "text"


class Cause(StrEnum):
    """Why the phone is told.

    A new one has a family of its own: that of another would be sent by nodes of an older release too.
    """

    NEW_MESSAGE = "new_message"
    """A message came: the phone hears which."""
    MAILBOX_UPDATE = "mailbox_update"
    """More than that happened, or something else: the phone looks at the whole mailbox again."""
    GREETING_UPDATE = "greeting_update"
    """What callers hear was changed by somebody else than the phone."""
    NEARLY_FULL = "nearly_full"
    """The mailbox came to the percentage of its class of service: its owner reads it, and no client."""
    EXPIRY = "expiry"
    """Messages expire soon: the same."""
    STATUS = "status"
    CODE = "code"
    """A one-time code was asked for: its owner reads it, and no client."""
    PIN = "pin"
    """A PIN of the telephone menus was made: the same."""
    MWI = "mwi"
    """An operator wants the phone's lamp to show what there is."""
    MWI_CLEAR = "mwi_clear"
    """An operator wants it off."""
    TEXT = "text"
    """An operator wants the plain SMS of the fallback to go out."""

    @property
    def family(self) -> Family:
        return _FAMILIES.get(self, Family.SYNC)

    @property
    def joined(self) -> Cause:
        """What a waiting notification of the family becomes when this one joins it.

        Of two STATUS, codes, PINs or greeting updates the newer says all; two other SYNC are one "look
        again" (OMTP 1.3 2.9.1).
        """
        return self if self in _FAMILIES else Cause.MAILBOX_UPDATE


_FAMILIES = {
    Cause.STATUS: Family.STATUS,
    Cause.CODE: Family.CODE,
    Cause.PIN: Family.PIN,
    Cause.GREETING_UPDATE: Family.GREETING,
    Cause.NEARLY_FULL: Family.WARNING,
    Cause.EXPIRY: Family.EXPIRY,
    Cause.MWI: Family.LAMP,
    Cause.MWI_CLEAR: Family.LAMP,
    Cause.TEXT: Family.TEXT,
}


def of_family(cause: Cause | str, family: Family) -> bool:
    """Never where only a newer release knows the cause."""
    return isinstance(cause, Cause) and cause.family is family


class Lane(msgspec.Struct, frozen=True):
    """Carriers whose notifications are meant: those named, or with ``others`` all but those."""

    carriers: frozenset[str] = frozenset()
    others: bool = True

    def __contains__(self, carrier: str) -> bool:
        return (carrier in self.carriers) != self.others


EVERYBODY = Lane()


class Owed(msgspec.Struct, frozen=True):
    """A notification before it has a row."""

    recipient: Msisdn
    subscriber: SubscriberId | None
    """None answers an SMS of somebody whom we do not serve."""
    cause: Cause
    due_at: datetime
    """The moment of its cause."""
    expires_at: datetime
    return_code: int = 0
    """rc= of a STATUS (OMTP 1.3 2.9.1)."""
    spacing: timedelta = timedelta()
    """It waits so long after the last of its family was taken to be sent to this recipient."""
    carrier: str = ""
    """The carrier profile of the client; "" for none."""


class Leased(msgspec.Struct, frozen=True):
    """A row of the outbox in the hands of one worker until its lease ends."""

    id: int
    recipient: Msisdn
    subscriber: SubscriberId | None
    cause: Cause
    uid: int | None
    """The message of a NEW_MESSAGE."""
    return_code: int
    attempt: int
    """1 for the first lease of this row."""
    owed_at: datetime
    """The moment of its first cause."""
    taken_at: datetime
    """The moment of the lease; together with the attempt it tells one lease from another."""
    expires_at: datetime
    accepted: frozenset[int]
    """1-based segments that the SMSC has taken already."""
    carrier: str = ""
    """As it was owed."""
