# SPDX-License-Identifier: Apache-2.0
"""What an operator does with messages of a subscriber: listen, mark, delete.

The subscriber's client did not do it, so it is told by SYNC to look again.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from vvm.domain.errors import Refusal, UnknownMessage, UnknownSubscriber
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
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

    async def mark(self, msisdn: Msisdn, uid: int, *, seen: bool, folder: str = INBOX) -> MessageRecord:
        """Mark a message as heard or as new.  Raises UnknownSubscriber, UnknownMessage."""
        subscriber = await self._subscriber(msisdn)
        await self._retrieval.mark(
            subscriber.mailbox,
            folder,
            [uid],
            add=Flags.SEEN if seen else _NOTHING,
            remove=_NOTHING if seen else Flags.SEEN,
            owed=[self._owing.mailbox_update(subscriber)],
        )
        return await self.message(msisdn, uid, folder=folder)

    async def delete(self, msisdn: Msisdn, uid: int, *, folder: str = INBOX) -> None:
        """Remove a message.  Raises UnknownSubscriber, UnknownMessage.

        Interrupted, it has left the message flagged DELETED; the same call again removes it.
        """
        subscriber = await self._subscriber(msisdn)
        mailbox = subscriber.mailbox
        await self._retrieval.mark(mailbox, folder, [uid], add=Flags.DELETED, remove=_NOTHING)
        update = self._owing.greeting_update if folder == GREETINGS else self._owing.mailbox_update
        if not await self._retrieval.expunge(mailbox, folder, [uid], [update(subscriber)]):
            raise UnknownMessage
        log.info("message_deleted", msisdn=msisdn, folder=folder, uid=uid)

    async def greetings(self, msisdn: Msisdn) -> tuple[MessageRecord, ...]:
        """All that lie in Greetings, by UID.  Raises UnknownSubscriber."""
        mailbox = (await self._subscriber(msisdn)).mailbox
        uids = [state.uid for state in await self._mailboxes.states(mailbox, GREETINGS)]
        return tuple(await self._mailboxes.messages(mailbox, GREETINGS, uids))

    async def use_greeting(self, msisdn: Msisdn, uid: int, *, active: bool) -> MessageRecord:
        """Let callers hear a greeting, in place of the one of its kind that is on, or not any more.

        Raises UnknownSubscriber, UnknownMessage.
        """
        subscriber = await self._subscriber(msisdn)
        await self._retrieval.mark(
            subscriber.mailbox,
            GREETINGS,
            [uid],
            add=Flags.GREETING_ON if active else _NOTHING,
            remove=_NOTHING if active else Flags.GREETING_ON,
            owed=[self._owing.greeting_update(subscriber)],
        )
        return await self.greeting(msisdn, uid)

    async def greeting(self, msisdn: Msisdn, uid: int) -> MessageRecord:
        """Raises UnknownSubscriber, UnknownMessage."""
        return await self.message(msisdn, uid, folder=GREETINGS)

    async def message(self, msisdn: Msisdn, uid: int, *, folder: str = INBOX) -> MessageRecord:
        """What is known of one; it stays as unheard as it was.  Raises UnknownSubscriber, UnknownMessage."""
        mailbox = (await self._subscriber(msisdn)).mailbox
        found = await self._mailboxes.messages(mailbox, folder, [uid])
        if not found:
            raise UnknownMessage
        return found[0]

    async def _subscriber(self, msisdn: Msisdn) -> Subscriber:
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return subscriber
