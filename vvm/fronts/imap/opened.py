# SPDX-License-Identifier: Apache-2.0
"""What one login opened: whose mailbox, with which rights, and for how long."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from imap_server import abilities
from imap_server.backend import Ended, NotAllowed, Unavailable
from vvm.domain import message
from vvm.domain.clock import Clock
from vvm.domain.errors import (
    FolderExists,
    FolderHasChildren,
    FolderStays,
    MailboxFull,
    Outage,
    Refusal,
    TooManyAnnotations,
    TooManyFolders,
    TooManyKeywords,
    UnknownFolder,
    UnknownMessage,
    UnknownSubscriber,
)
from vvm.domain.notification import Owed
from vvm.domain.subscriber import ProvisioningStatus
from vvm.domain.visit import Act
from vvm.fronts.imap.profiles import Appends, Profile
from vvm.fronts.imap.rosters import Rosters
from vvm.services.filing import AnnotationTooBig, Filing, UnfitFolderName
from vvm.services.first_fetch import FirstFetches
from vvm.services.greetings import Greetings
from vvm.services.login import Admitted
from vvm.services.owing import Owing
from vvm.services.pbx import Pbx
from vvm.services.retrieval import Retrieval
from vvm.services.visits import Visits
from vvm.store import port

T = TypeVar("T")

_CODES: dict[type[Refusal], str] = {
    FolderExists: "ALREADYEXISTS",
    FolderHasChildren: "HASCHILDREN",
    FolderStays: "CANNOT",
    TooManyFolders: "LIMIT",
    TooManyKeywords: "LIMIT",
    UnfitFolderName: "CANNOT",
    UnknownFolder: "NONEXISTENT",
}
"""RFC 5530 section 3 and RFC 9051 section 7.1."""
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


class MailServices(msgspec.Struct, frozen=True, kw_only=True):
    """What a mailbox is made of."""

    retrieval: Retrieval
    greetings: Greetings
    filing: Filing
    pbx: Pbx
    owing: Owing
    mailboxes: port.MailboxStore
    folders: port.FolderStore
    devices: port.DeviceStore
    subscribers: port.SubscriberStore
    hints: port.Hints
    clock: Clock
    visits: Visits
    first_fetches: FirstFetches
    rosters: Rosters = msgspec.field(default_factory=Rosters)


class Opened:
    """Goes with every folder of a session."""

    def __init__(self, admitted: Admitted, profile: Profile, services: MailServices) -> None:
        self.owner = admitted.subscriber
        self.mailbox = admitted.subscriber.mailbox
        self.profile = profile
        self.services = services
        self._by_master = admitted.by_master
        self._device = None if admitted.device is None else admitted.device.id

    @property
    def originals(self) -> bool:
        """It reads messages as their depositor wrote them, because it is one."""
        return self.profile.appends is Appends.DEPOSITS

    def note(self, act: Act, folder: str = "") -> None:
        """For the subscriber's timeline; a media server's doings are nobody's visit."""
        if not self._by_master:
            self.services.visits.note(self.owner.id, act, device=self._device, detail=folder)

    def fetched(self, folder: str) -> None:
        """A message is read, perhaps because the phone was told of it."""
        self.note(Act.FETCHED, folder)
        if folder == message.INBOX and not self._by_master and self._device is None:
            self.services.first_fetches.note(self.owner.handset)

    def date(self, said: datetime | None) -> datetime:
        """When a message that this client adds has come: what it says, or now.

        One that every zone and every client can show; a client's clock may say anything.
        """
        return said if said is not None and _EARLIEST <= said <= _LATEST else self.services.clock.now()

    def owed(self, folder: str) -> Sequence[Owed]:
        """The subscriber's phone hears of what somebody else changes, and not of its own doing.

        Folders beside INBOX and Greetings are no business of the phone's.
        """
        if not self._by_master and self._device is None:
            return ()
        match folder:
            case message.INBOX:
                return (self.services.owing.mailbox_update(self.owner),)
            case message.GREETINGS:
                return (self.services.owing.greeting_update(self.owner),)
            case _:
                return ()

    async def check(self, folder: port.FolderState) -> None:
        """A session goes on as long as a login with the same would succeed.

        Raises Ended when its credentials open nothing any more.
        """
        if self._device is None and not self._by_master:
            admitted = folder.admits_clients
        else:
            admitted = await told(self._others_admitted())
        if not admitted:
            raise await self.over()

    async def over(self) -> Ended:
        """Why the session cannot go on: what a login would be refused for now, or its folder is gone."""
        owner = await told(self.services.subscribers.by_id(self.owner.id))
        if owner is None:
            return Ended("the account is gone")
        if owner.closing is not None:
            return Ended("the account is closed")
        if owner.status is ProvisioningStatus.BLOCKED:
            return Ended("the account is blocked")
        if self._device is not None and not await told(self.services.devices.admits(self._device)):
            return Ended("this login is revoked")
        if self._device is None and not self._by_master and not owner.status.active:
            return Ended("the account is not active any more")
        return Ended("the folder is gone")

    async def _others_admitted(self) -> bool:
        """Of a device, or of a master."""
        if self._device is not None:
            return await self.services.devices.admits(self._device)
        owner = await self.services.subscribers.by_id(self.owner.id)
        return owner is not None and owner.status.served


async def told(answer: Awaitable[T]) -> T:
    """The answer of a service, its errors in the words of IMAP."""
    try:  # and no ``with refusals()``: this stands around every read
        return await answer
    except (Outage, Refusal) as error:
        raise _in_words_of_imap(error) from error


@contextmanager
def refusals(text: str | None = None) -> Iterator[None]:
    """Errors of the services in the words of IMAP.

    ``text`` is what a refusal says in place of its own words, for clients that compare.
    """
    try:
        yield
    except (Outage, Refusal) as error:
        raise _in_words_of_imap(error, text) from error


def _in_words_of_imap(error: Outage | Refusal, text: str | None = None) -> Exception:
    match error:
        case Outage():
            return Unavailable(error.code)
        case MailboxFull():
            return abilities.OverQuota()
        case TooManyAnnotations():
            return abilities.TooManyAnnotations(str(error))
        case AnnotationTooBig():
            return abilities.AnnotationTooBig(error.limit)
        case UnknownMessage() | UnknownSubscriber():
            return Ended("the account is gone")
        case _:
            return NotAllowed(text or str(error), code=None if text else _CODES.get(type(error)))
