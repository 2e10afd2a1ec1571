# SPDX-License-Identifier: Apache-2.0
"""Credentials of one device: a second way into a mailbox, beside the one that STATUS tells."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

import msgspec

from vvm.domain.subscriber import SubscriberId

DeviceId = NewType("DeviceId", int)


class Device(msgspec.Struct, frozen=True):
    """A client of one's own, or a plain mail client: its login opens one mailbox until it is revoked."""

    id: DeviceId
    subscriber: SubscriberId
    login: str
    """Its IMAP user name: that of the subscriber with ``+`` and a random tag before the ``@``."""
    name: str
    """What its owner calls it."""
    profile: str
    """Which kind of client it is, for fronts that tell kinds apart; "" is a visual voicemail client."""
    password_check: bytes
    """Keyed hash of its password (services.credentials)."""
    password_sealed: bytes
    """Its password, encrypted, for proofs that do not send it (SCRAM, DIGEST-MD5); never shown again."""
    created_at: datetime
    last_used_at: datetime | None = None
