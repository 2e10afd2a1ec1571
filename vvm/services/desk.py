# SPDX-License-Identifier: Apache-2.0
"""What an operator does with messages of a subscriber: listen, mark, delete.

The subscriber's client did not do it, so it is told by SYNC to look again.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from vvm.domain.errors import PreconditionFailed, Refusal, UnknownMessage, UnknownSubscriber
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.message.audio.encode import Format
from vvm.message.reader import ReadLimits, read_message
from vvm.services.owing import Owing
from vvm.services.retrieval import Retrieval
from vvm.store.port import MailboxStore, MessageRecord, SubscriberStore

log = structlog.get_logger(__name__)

_LIMITS = ReadLimits()
_NOTHING = Flags(0)


class Render(Protocol):
    """Brings audio into a form, away from the event loop."""

    async def __call__(self, audio: bytes, form: Format) -> bytes:
        """Raises BadAudio; Outage when no worker answers."""
        ...


class NoSound(Refusal):
    code = "no_sound"

    def __init__(self) -> None:
        super().__init__("the message has no audio part")


class Desk:
    def __init__(
        self,
        subscribers: SubscriberStore,
        mailboxes: MailboxStore,
        retrieval: Retrieval,
        render: Render,
        *,
        owing: Owing,
    ) -> None:
        self._subscribers = subscribers
        self._mailboxes = mailboxes
        self._retrieval = retrieval
        self._render = render
        self._owing = owing

    async def listen(self, msisdn: Msisdn, uid: int, form: Format, *, folder: str = INBOX) -> bytes:
        """The sound of a message, which stays as unheard as it was.

        Raises UnknownSubscriber, UnknownMessage, NoSound, Unreadable, BadAudio, Outage.
        """
        subscriber = await self._subscriber(msisdn)
        octets = await self._mailboxes.octets(subscriber.mailbox, folder, uid)
        if octets is None:
            raise UnknownMessage
        message = read_message(octets, _LIMITS)
        part = next((part for part in message.leaves if part.media_type == "audio"), None)
        if part is None:
            raise NoSound
        audio = await self._render(message.content(part), form)
        log.info("message_listened_to", msisdn=msisdn, folder=folder, uid=uid, form=form.value)
        return audio

    async def message(self, msisdn: Msisdn, uid: int, *, folder: str = INBOX) -> MessageRecord:
        """What is known of one; it stays as unheard as it was.  Raises UnknownSubscriber, UnknownMessage."""
        return await self._one((await self._subscriber(msisdn)).mailbox, folder, uid)

    async def mark(
        self,
        msisdn: Msisdn,
        uid: int,
        *,
        seen: bool,
        folder: str = INBOX,
        unchanged_since: int | None = None,
    ) -> MessageRecord:
        """Mark a message as heard or as new.

        Raises UnknownSubscriber, UnknownMessage; PreconditionFailed when its MODSEQ is above
        ``unchanged_since``.
        """
        return await self._switch(msisdn, folder, uid, Flags.SEEN, on=seen, unchanged_since=unchanged_since)

    async def delete(
        self, msisdn: Msisdn, uid: int, *, folder: str = INBOX, unchanged_since: int | None = None
    ) -> None:
        """Remove a message.  Raises what ``mark`` raises."""
        subscriber = await self._subscriber(msisdn)
        owed = [self._update(subscriber, folder)]
        await self._retrieval.delete(
            subscriber.mailbox, folder, uid, unchanged_since=unchanged_since, owed=owed
        )
        log.info("message_deleted", msisdn=msisdn, folder=folder, uid=uid)

    async def greetings(self, msisdn: Msisdn) -> tuple[MessageRecord, ...]:
        """All that lie in Greetings, by UID.  Raises UnknownSubscriber."""
        mailbox = (await self._subscriber(msisdn)).mailbox
        uids = [state.uid for state in await self._mailboxes.states(mailbox, GREETINGS)]
        return tuple(await self._mailboxes.messages(mailbox, GREETINGS, uids))

    async def use_greeting(
        self, msisdn: Msisdn, uid: int, *, active: bool, unchanged_since: int | None = None
    ) -> MessageRecord:
        """Let callers hear a greeting, in place of the one of its kind that is on, or not any more.

        Raises what ``mark`` raises.
        """
        flag = Flags.GREETING_ON
        return await self._switch(msisdn, GREETINGS, uid, flag, on=active, unchanged_since=unchanged_since)

    async def greeting(self, msisdn: Msisdn, uid: int) -> MessageRecord:
        """Raises UnknownSubscriber, UnknownMessage."""
        return await self.message(msisdn, uid, folder=GREETINGS)

    async def _switch(
        self, msisdn: Msisdn, folder: str, uid: int, flag: Flags, *, on: bool, unchanged_since: int | None
    ) -> MessageRecord:
        subscriber = await self._subscriber(msisdn)
        named = await self._retrieval.mark(
            subscriber.mailbox,
            folder,
            [uid],
            add=flag if on else _NOTHING,
            remove=_NOTHING if on else flag,
            unchanged_since=unchanged_since,
            owed=[self._update(subscriber, folder)],
        )
        found = await self._one(subscriber.mailbox, folder, uid)
        if not named:
            raise PreconditionFailed
        return found

    async def _one(self, mailbox: MailboxId, folder: str, uid: int) -> MessageRecord:
        found = await self._mailboxes.messages(mailbox, folder, [uid])
        if not found:
            raise UnknownMessage
        return found[0]

    def _update(self, subscriber: Subscriber, folder: str) -> Owed:
        """What tells the phone that somebody else changed a folder."""
        owing = self._owing
        return (owing.greeting_update if folder == GREETINGS else owing.mailbox_update)(subscriber)

    async def _subscriber(self, msisdn: Msisdn) -> Subscriber:
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return subscriber
