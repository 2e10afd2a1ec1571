# SPDX-License-Identifier: Apache-2.0
"""What a PBX's own voicemail stores by IMAP becomes a deposit or a greeting (ADR 0010).

The mail is kept as the PBX wrote it, for its own eyes; handsets get a voice message made of its sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.message import Envelope, Flags, Kind
from vvm.domain.notification import Owed
from vvm.domain.subscriber import Subscriber
from vvm.message.pbx import pbx_header
from vvm.message.reader import ReadLimits, read_message
from vvm.services.deposit import Deposit
from vvm.services.filing import layout_of
from vvm.services.greetings import Greetings, audio_of
from vvm.store.port import Original

_LIMITS = ReadLimits()
_GREETINGS = {
    "unavail": (Kind.NORMAL_GREETING, True),
    "busy": (Kind.NORMAL_GREETING, False),
    "temp": (Kind.NORMAL_GREETING, False),
    "greet": (Kind.VOICE_SIGNATURE, True),
}
"""What each greeting of the PBX is here, and whether callers of ours hear it from now on."""


class Pbx:
    def __init__(self, deposit: Deposit, greetings: Greetings) -> None:
        self._deposit = deposit
        self._greetings = greetings

    async def take(self, owner: Subscriber, octets: bytes, *, flags: Flags, received_at: datetime) -> int:
        """Deposit a mail with sound; the UID.  Raises Unreadable, UnfitGreeting without sound, and what
        ``Deposit`` raises.
        """
        message = read_message(octets, _LIMITS)
        said = pbx_header(message)
        deposited = await self._deposit(
            owner.msisdn,
            audio_of(message),
            Envelope(caller=said.caller, received_at=said.received_at or received_at),
            flags=flags,
            original=Original(octets, layout_of(message)),
        )
        return deposited.uid

    async def greet(
        self,
        owner: Subscriber,
        octets: bytes,
        *,
        flags: Flags,
        received_at: datetime,
        owed: Sequence[Owed] = (),
    ) -> int:
        """Keep a greeting that was recorded at the PBX; the UID.  Raises what ``Greetings.add`` raises."""
        kind, on = _GREETINGS.get(pbx_header(read_message(octets, _LIMITS)).type, (None, False))
        if on:
            flags |= Flags.GREETING_ON
        stored = await self._greetings.add(
            owner.mailbox, octets, flags=flags, received_at=received_at, kind=kind, owed=owed
        )
        return stored.uid
