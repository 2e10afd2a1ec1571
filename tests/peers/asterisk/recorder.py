# SPDX-License-Identifier: Apache-2.0
"""A depositor that remembers, and refuses when it is told to."""

from __future__ import annotations

import asyncio

import msgspec

from vvm.domain.errors import VvmError
from vvm.domain.message import Envelope
from vvm.domain.numbers import Msisdn
from vvm.services.deposit import Deposited


class Taken(msgspec.Struct, frozen=True):
    """One message that entered."""

    recipient: Msisdn
    audio: bytes
    envelope: Envelope


class RecordingDepositor:
    """Keeps the promise of ``vvm.services.deposit``: the same key never makes a second message."""

    def __init__(self) -> None:
        self.messages: dict[str, Taken] = {}
        self.calls: list[str] = []
        """The key of every call, refused ones too."""
        self.failure: VvmError | None = None
        """Raised instead of taking anything."""
        self.refused: dict[Msisdn, VvmError] = {}
        """Raised for these recipients."""
        self._called = asyncio.Condition()

    async def __call__(
        self, recipient: Msisdn, audio: bytes, envelope: Envelope, *, key: str | None = None
    ) -> Deposited:
        assert key, "capture always has a key"
        async with self._called:
            self.calls.append(key)
            self._called.notify_all()
        if failure := self.failure or self.refused.get(recipient):
            raise failure
        created = key not in self.messages
        self.messages.setdefault(key, Taken(recipient, audio, envelope))
        return Deposited(uid=len(self.messages), seconds=1, created=created)

    @property
    def only(self) -> Taken:
        """The one message that entered, by one call."""
        assert len(self.messages) == 1, self.messages.keys()
        return next(iter(self.messages.values()))

    async def until_called(self, times: int) -> None:
        """Wait for so many calls in all.  Raises TimeoutError."""
        async with asyncio.timeout(60), self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)
