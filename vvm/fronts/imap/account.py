# SPDX-License-Identifier: Apache-2.0
"""A subscriber's mailbox as an IMAP account, in two forms: for clients that file, and for those that do not.

Which of them a login gets, and what else it may, its profile says (vvm.fronts.imap.profiles).
"""

from __future__ import annotations

from collections.abc import Sequence

from imap_server.abilities import Annotations, Appended, NewMessage, UnsupportedUse
from imap_server.backend import MailboxEntry, MailboxStatus, NotAllowed, Quota, QuotaResource
from vvm.domain.errors import UnknownMessage
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.subscriber import SubscriberId
from vvm.fronts.imap.annotations import FolderAnnotations
from vvm.fronts.imap.att import AttAnnotations
from vvm.fronts.imap.mailbox import Folder, mailbox_id
from vvm.fronts.imap.opened import Opened, refusals, told
from vvm.fronts.imap.profiles import SPECIAL_USE, Appends
from vvm.omtp.commands import INVALID_PARAMETER
from vvm.services.filing import Filed, place
from vvm.store import port


class SubscriberAccount:
    """imap_server.backend.Account; of imap_server.abilities Appending for Greetings, and Annotated."""

    def __init__(self, opened: Opened) -> None:
        self.user = opened.owner.msisdn
        self.opened = opened
        self._services = opened.services

    @property
    def subscriber(self) -> SubscriberId:
        return self.opened.owner.id

    async def list(self) -> Sequence[MailboxEntry]:
        """INBOX and Greetings, whatever folders a mail client has made beside them."""
        entries = await told(self._services.folders.all(self.opened.mailbox))
        return [MailboxEntry(name, ("\\HasNoChildren",)) for name in (INBOX, GREETINGS) if entries]

    async def status(self, name: str) -> MailboxStatus | None:
        """Refused on Greetings, unless the profile says otherwise (OMTP 1.3 2.1.1; row IMAP-12)."""
        if place(name) == GREETINGS and not self.opened.profile.greetings_status:
            raise NotAllowed
        state = await self.folder(name)
        if state is None:
            return None
        return MailboxStatus(
            messages=state.messages,
            unseen=state.unseen,
            uid_next=state.uid_next,
            uid_validity=state.uid_validity,
            highest_modseq=state.highest_modseq,
            size=state.octets,
            mailbox_id=mailbox_id(place(name), state),
            append_limit=None if self._takes_messages(place(name)) else 0,
        )

    def _takes_messages(self, folder: str) -> bool:
        return folder == GREETINGS or self.opened.profile.appends is not Appends.NOTHING

    async def select(self, name: str) -> Folder | None:
        """Reads nothing: whether the folder is there, its snapshot says."""
        return Folder(place(name), self.opened) if self._sees(place(name)) else None

    async def quota(self, name: str) -> Quota | None:
        """Messages only: AOSP reads the resource called voice (spec/omtp-vvm.md 18.1), others MESSAGE."""
        missing = not self.opened.profile.files and await self.folder(name) is None
        if missing or (inbox := await self.folder(INBOX)) is None:
            return None
        used = await told(self._services.folders.used(self.opened.mailbox))
        return Quota(
            root="",
            resources=tuple(
                QuotaResource(name, used=used, limit=inbox.max_messages) for name in ("voice", "MESSAGE")
            ),
        )

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """A greeting, one at a time; everywhere else clients add no messages (rows GRT-02, IMAP-15)."""
        folder = await self.folder(name)
        if folder is None:
            return None
        if place(name) != GREETINGS or len(messages) != 1:
            raise NotAllowed
        (message,) = messages
        flags = self.opened.profile.vocabulary(GREETINGS).read(message.flags).flags
        with refusals(INVALID_PARAMETER):
            stored = await self._services.greetings.add(
                self.opened.mailbox,
                message.octets,
                flags=flags,
                received_at=self.opened.date(message.internal_date),
                owed=self.opened.owed(GREETINGS),
            )
        return Appended(folder.uid_validity, (stored.uid,))

    @property
    def annotations(self) -> Annotations | None:
        if not self.opened.profile.annotates:
            return None
        own = FolderAnnotations(self.opened, self.folder)
        return AttAnnotations(own, self.opened) if self.opened.profile.greets_by_annotation else own

    async def folder(self, name: str) -> port.FolderState | None:
        """A folder that this client may see.  Raises Unavailable."""
        kept = place(name)
        if not self._sees(kept):
            return None
        found = await told(self._services.mailboxes.folder(self.opened.mailbox, kept))
        if found is not None:
            await self.opened.check(found)
        return found

    def _sees(self, folder: str) -> bool:
        return folder in {INBOX, GREETINGS} or self.opened.profile.files


class FilingAccount:
    """The same with every folder, and imap_server.abilities.Filing."""

    def __init__(self, opened: Opened) -> None:
        self._own = SubscriberAccount(opened)
        self.user = self._own.user
        self.opened = opened
        self._mailbox = opened.mailbox
        self._services = opened.services
        self._filing = opened.services.filing

    @property
    def subscriber(self) -> SubscriberId:
        return self._own.subscriber

    async def list(self) -> Sequence[MailboxEntry]:
        return [
            MailboxEntry(entry.name, () if entry.special_use is None else (entry.special_use,))
            for entry in await told(self._services.folders.all(self._mailbox))
        ]

    async def status(self, name: str) -> MailboxStatus | None:
        return await self._own.status(name)

    async def select(self, name: str) -> Folder | None:
        return await self._own.select(name)

    async def quota(self, name: str) -> Quota | None:
        return await self._own.quota(name)

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """Into Greetings what can be heard; elsewhere what the profile says."""
        appends = self.opened.profile.appends
        if appends is Appends.DEPOSITS and place(name) in {INBOX, GREETINGS}:
            return await self._deposit(name, messages)
        if appends is Appends.NOTHING or place(name) == GREETINGS:
            return await self._own.append(name, messages)
        folder = await self._own.folder(name)
        if folder is None:
            return None
        vocabulary = self.opened.profile.vocabulary(place(name))
        filed = []
        for message in messages:
            said = vocabulary.read(message.flags)
            filed.append(
                Filed(message.octets, said.flags, said.keywords, self.opened.date(message.internal_date))
            )
        stored = await told(self._file(place(name), filed))
        return None if stored is None else Appended(folder.uid_validity, tuple(each.uid for each in stored))

    async def _file(self, folder: str, messages: Sequence[Filed]) -> Sequence[port.Stored] | None:
        """None where somebody has removed the folder since we looked."""
        try:
            return await self._filing.append(self.opened.owner, folder, messages)
        except UnknownMessage:
            return None

    @property
    def annotations(self) -> Annotations | None:
        return self._own.annotations

    async def create(self, name: str, *, uses: Sequence[str] | None = None) -> None:
        if uses is None:
            use = SPECIAL_USE.get(name.lower())
        elif len(uses) > 1 or not set(SPECIAL_USE.values()).issuperset(uses):
            raise UnsupportedUse
        else:
            use = next(iter(uses), None)
        await told(self._filing.create(self._mailbox, name, special_use=use))

    async def delete(self, name: str) -> None:
        await told(self._filing.delete(self._mailbox, name))

    async def rename(self, name: str, other: str) -> None:
        await told(self._filing.rename(self._mailbox, name, other))

    async def subscribe(self, name: str, *, wanted: bool) -> None:
        await told(self._filing.subscribe(self._mailbox, name, wanted=wanted))

    async def subscriptions(self) -> Sequence[str]:
        return await told(self._services.folders.subscriptions(self._mailbox))

    async def _deposit(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """One at a time, as a PBX does it: each is transcoded."""
        folder = await self._own.folder(name)
        if folder is None:
            return None
        if len(messages) != 1:
            raise NotAllowed("one message at a time", code="LIMIT")
        (message,) = messages
        pbx, owner = self._services.pbx, self.opened.owner
        flags = self.opened.profile.vocabulary(place(name)).read(message.flags).flags
        octets, date = message.octets, self.opened.date(message.internal_date)
        if place(name) == GREETINGS:
            owed = self.opened.owed(GREETINGS)
            uid = await told(pbx.greet(owner, octets, flags=flags, received_at=date, owed=owed))
        else:
            uid = await told(pbx.take(owner, octets, flags=flags, received_at=date))
        return Appended(folder.uid_validity, (uid,))
