# SPDX-License-Identifier: Apache-2.0
"""Accounts in memory behind the Protocols of ``imap_server.backend``: the strict profile of OMTP."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imap_server.backend import Account, Denied, MailboxEntry, MailboxStatus, NotAllowed, Peer, Quota
from tests.dialogues.memory_folder import Folder, Power, figures, quota
from tests.dialogues.memory_mail import MailAccount
from tests.dialogues.world import Standing

_REFUSALS = {
    Standing.NOT_INITIALIZED: "mailbox not initialized",
    Standing.NOT_PROVISIONED: "service is not provisioned",
    Standing.NOT_ACTIVATED: "service is not activated",
    Standing.BLOCKED: "user is blocked",
    Standing.UNKNOWN_CLIENT: "unknown client",
}


class StrictAccount:
    """INBOX with messages, Greetings without; nothing that OMTP refuses."""

    def __init__(self, user: str, power: Power) -> None:
        self.user = user
        self.folders = {"INBOX": Folder(power, 1_700_000_001), "Greetings": Folder(power, 1_700_000_002)}

    async def list(self) -> Sequence[MailboxEntry]:
        """Both folders."""
        return [MailboxEntry(name, ("\\HasNoChildren",)) for name in self.folders]

    async def status(self, name: str) -> MailboxStatus | None:
        """OMTP refuses STATUS on Greetings."""
        folder = self._folder(name)
        if folder is not None and name != "INBOX":
            raise NotAllowed
        return None if folder is None else figures(folder)

    async def select(self, name: str) -> Folder | None:
        """A folder is its own handle."""
        return self._folder(name)

    async def quota(self, name: str) -> Quota | None:
        """Of the whole account."""
        return None if self._folder(name) is None else quota(self.folders)

    def _folder(self, name: str) -> Folder | None:
        return next((each for known, each in self.folders.items() if known.lower() == name.lower()), None)


class Entry(msgspec.Struct, frozen=True):
    """Who may log in, and to what."""

    account: StrictAccount | MailAccount
    password: str
    standing: Standing = Standing.ACTIVE


class MemoryBackend:
    """Accounts by user name; ``power`` makes every storage call fail."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.power = Power()

    async def login(self, user: str, password: str, peer: Peer) -> Account:
        """In the order of spec/omtp-vvm.md 9.5."""
        del peer
        self.power.check()
        entry = self.entries.get(user)
        if entry is None:
            raise Denied("unknown user")
        if entry.password != password:
            raise Denied("invalid password")
        if entry.standing in _REFUSALS:
            raise Denied(_REFUSALS[entry.standing])
        return entry.account
