# SPDX-License-Identifier: Apache-2.0
"""What a client did over IMAP, by kind: enough to see whether a phone came and what it took."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from vvm.domain.device import DeviceId
from vvm.domain.subscriber import SubscriberId


class Act(StrEnum):
    LOGGED_IN = "logged_in"
    REFUSED = "refused"
    """A login that was refused; ``detail`` is the reason."""
    LOOKED = "looked"
    """A folder was opened; ``detail`` is its name."""
    FETCHED = "fetched"
    """A message was read, whole or in part."""
    MARKED = "marked"
    """Flags were set or taken away: played, or to be deleted."""
    EXPUNGED = "expunged"
    SET_UP = "set_up"
    """PIN, language or tutorial; ``detail`` says which."""


class Visit(msgspec.Struct, frozen=True):
    """One kind of act by one client within a few seconds, however often."""

    subscriber: SubscriberId
    device: DeviceId | None
    """None: with the credentials that STATUS tells."""
    act: Act
    detail: str
    first_at: datetime
    last_at: datetime
    count: int
