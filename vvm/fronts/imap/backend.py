# SPDX-License-Identifier: Apache-2.0
"""Gives imap_server its backend: a subscriber's mailbox as an IMAP account.

Translates words and errors, and decides nothing: a login is checked by services.login, a change is
made by services.retrieval and services.greetings, a read goes straight to the store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from imap_server.abilities import Appended, NewMessage, OverQuota
from imap_server.backend import (
    Denied,
    MailboxEntry,
    MailboxStatus,
    NotAllowed,
    Peer,
    Quota,
    QuotaResource,
    Unavailable,
)
from vvm.domain.errors import MailboxFull, Outage, Refusal, UnknownMessage
from vvm.domain.message import GREETINGS, INBOX
from vvm.fronts.imap.mailbox import Folder, MailServices, SessionKey
from vvm.fronts.imap.settings import OmtpSettings
from vvm.fronts.imap.vocabulary import vocabulary
from vvm.omtp.commands import INVALID_PARAMETER
from vvm.services.login import Admitted, Login, LoginRefusal, LoginRefused
from vvm.store import port

T = TypeVar("T")

_TEXTS = {
    LoginRefusal.UNKNOWN_USER: "unknown user",
    LoginRefusal.INVALID_PASSWORD: "invalid password",
    LoginRefusal.NOT_PROVISIONED: "service is not provisioned",
    LoginRefusal.NOT_ACTIVATED: "service is not activated",
    LoginRefusal.BLOCKED: "user is blocked",
}
"""What the client compares, to the letter (OMTP; spec/omtp-vvm.md 9.5)."""


_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


class ImapBackend:
    """imap_server.backend.Backend, and KnowsPasswords of its SASL mechanisms."""

    def __init__(self, login: Login, services: MailServices, omtp: OmtpSettings) -> None:
        self._login = login
        self._services = services
        self._omtp = omtp

    async def login(self, user: str, password: str, peer: Peer) -> SubscriberAccount:
        del peer
        return self._account(await _told(self._login(user, password)))

    async def password(self, user: str, peer: Peer) -> str:
        del peer
        return (await _told(self._login.password(user))).reveal()

    async def proven(self, user: str, peer: Peer) -> SubscriberAccount:
        del peer
        return self._account(await _told(self._login.proven(user)))

    def _account(self, admitted: Admitted) -> SubscriberAccount:
        lenient = self._omtp.lenient(admitted.subscriber.client)
        return SubscriberAccount(admitted, self._services, lenient=lenient)


async def _told(answer: Awaitable[T]) -> T:
    """The answer of services.login, its errors in the words of IMAP."""
    try:
        return await answer
    except LoginRefused as refused:
        raise Denied(_TEXTS[refused.reason]) from None
    except Outage as outage:
        raise Unavailable(outage.code) from outage


class SubscriberAccount:
    """imap_server.backend.Account, and imap_server.abilities.Appending for Greetings."""

    def __init__(self, admitted: Admitted, services: MailServices, *, lenient: bool) -> None:
        subscriber = admitted.subscriber
        self.user = subscriber.msisdn
        self.subscriber = subscriber.id
        self._mailbox = subscriber.mailbox
        self._key = SessionKey(admitted.device, services.devices)
        self._services = services
        self._lenient = lenient

    async def list(self) -> Sequence[MailboxEntry]:
        try:
            entries = await self._services.folders.all(self._mailbox)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        return [MailboxEntry(name, ("\\HasNoChildren",)) for name in (INBOX, GREETINGS) if entries]

    async def status(self, name: str) -> MailboxStatus | None:
        """Refused on Greetings (OMTP 1.3 2.1.1; row IMAP-12)."""
        if _folder_name(name) == GREETINGS:
            raise NotAllowed
        state = await self._folder(name)
        if state is None:
            return None
        return MailboxStatus(
            messages=state.messages,
            unseen=state.unseen,
            uid_next=state.uid_next,
            uid_validity=state.uid_validity,
            highest_modseq=state.highest_modseq,
            size=state.octets,
        )

    async def select(self, name: str) -> Folder | None:
        if await self._folder(name) is None:
            return None
        folder = _folder_name(name)
        words = vocabulary(folder, lenient=self._lenient)
        return Folder(self._mailbox, folder, words, self._services, self._key)

    async def quota(self, name: str) -> Quota | None:
        """Messages only: AOSP reads the resource called voice (spec/omtp-vvm.md 18.1)."""
        if await self._folder(name) is None or (inbox := await self._folder(INBOX)) is None:
            return None
        return Quota(
            root="",
            resources=(QuotaResource("voice", used=inbox.messages, limit=inbox.max_messages),),
        )

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """A greeting, one at a time; everywhere else clients add no messages (rows GRT-02, IMAP-15)."""
        folder = await self._folder(name)
        if folder is None:
            return None
        if _folder_name(name) != GREETINGS or len(messages) != 1:
            raise NotAllowed
        (message,) = messages
        flags = vocabulary(GREETINGS, lenient=self._lenient).bits(message.flags)
        received_at = _sane(message.internal_date) or datetime.now(UTC)
        try:
            stored = await self._services.greetings.add(
                self._mailbox, message.octets, flags=flags, received_at=received_at
            )
        except MailboxFull:
            raise OverQuota from None
        except UnknownMessage:
            raise Unavailable("the mailbox is gone") from None
        except Refusal:
            raise NotAllowed(INVALID_PARAMETER) from None
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        return Appended(folder.uid_validity, (stored.uid,))

    async def _folder(self, name: str) -> port.FolderState | None:
        try:
            found = await self._services.mailboxes.folder(self._mailbox, _folder_name(name))
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        if found is not None:
            await self._key.check(found)
        return found


def _sane(date: datetime | None) -> datetime | None:
    """A date that every zone and every client can show; a client's clock may say anything."""
    return date if date is not None and _EARLIEST <= date <= _LATEST else None


def _folder_name(name: str) -> str:
    """``Greetings`` in whatever case a client writes it (spec/omtp-vvm.md 10.2)."""
    return GREETINGS if name.lower() == GREETINGS.lower() else name
