# SPDX-License-Identifier: Apache-2.0
"""What a source tells of each mailbox, and how it hands over what lies in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.errors import Refusal
from vvm.domain.message import Flags, Kind
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret


class SourceFault(Refusal):
    """The source is not what it was said to be, or one thing of it cannot be read; the text says why."""

    code = "source_fault"


class Item(msgspec.Struct, frozen=True):
    """A voice message where it lies."""

    key: str
    """Names it for ever, in whatever order and folder it is found the next time."""
    place: str
    """Where its source finds it again."""
    received_at: datetime
    flags: Flags
    caller: str | None = None
    size: int = 0
    """Octets of it there, as far as the source says so without reading it."""


class Recorded(msgspec.Struct, frozen=True):
    """A greeting where it lies."""

    place: str
    kind: Kind
    on: bool


class Origin(msgspec.Struct, frozen=True):
    """One mailbox of the source."""

    name: str
    msisdn: Msisdn | None
    """None: nobody knows whose it is."""
    items: Sequence[Item] = ()
    greetings: Sequence[Recorded] = ()
    pin: Secret | None = None
    problems: Sequence[str] = ()
    """What was found there and will not come along."""


class Read(msgspec.Struct, frozen=True):
    """A message as it was read."""

    audio: bytes
    caller: str | None
    received_at: datetime


class Source(Protocol):
    def origins(self) -> AsyncIterator[Origin]:
        """Every mailbox once.  Raises SourceFault, Outage."""
        ...

    async def read(self, origin: Origin, item: Item) -> Read:
        """Raises SourceFault, Outage."""
        ...

    async def greeting(self, origin: Origin, recorded: Recorded) -> bytes:
        """Its audio.  Raises SourceFault, Outage."""
        ...
