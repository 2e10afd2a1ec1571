# SPDX-License-Identifier: Apache-2.0
"""What callers hear: greetings and voice signatures, as clients bring them (OMTP 1.3 2.7).

A greeting is a message in the folder Greetings and is given back octet by octet; its sound is taken
out of it when somebody calls.  Which one is on is a flag, and the store keeps it to one of a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid4

import structlog

from vvm.domain.errors import Refusal, UnknownSubscriber
from vvm.domain.message import GREETINGS, Flags, Kind
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId
from vvm.message.reader import ReadLimits, ReadMessage, read_message
from vvm.message.writer import VoiceMessage, compose
from vvm.services.deposit import Transcoder
from vvm.services.owing import Owing
from vvm.services.settings import ServiceSettings
from vvm.store.port import CosStore, Hints, Layout, MailboxStore, NewMessage, Stored, SubscriberStore

log = structlog.get_logger(__name__)

_LIMITS = ReadLimits()
_TYPE = "X-CNS-Greeting-Type"
_KINDS = {kind.value: kind for kind in (Kind.NORMAL_GREETING, Kind.VOICE_SIGNATURE)}


class Sound(Protocol):
    """Turns audio into what a media server plays, away from the event loop."""

    async def __call__(self, audio: bytes) -> bytes:
        """WAV, 16 bits, one channel, 8 kHz.  Raises BadAudio; Outage when no worker answers."""
        ...


class UnfitGreeting(Refusal):
    """A message that cannot be a greeting; the text says why."""

    code = "unfit_greeting"


class Greetings:
    def __init__(
        self,
        subscribers: SubscriberStore,
        mailboxes: MailboxStore,
        hints: Hints,
        transcoder: Transcoder,
        sound: Sound,
        *,
        classes: CosStore,
        owing: Owing,
        service: ServiceSettings,
    ) -> None:
        self._subscribers = subscribers
        self._mailboxes = mailboxes
        self._classes = classes
        self._owing = owing
        self._hints = hints
        self._transcoder = transcoder
        self._sound = sound
        self._domain = service.domain
        self._longest = {
            Kind.NORMAL_GREETING: service.greeting_seconds,
            Kind.VOICE_SIGNATURE: service.signature_seconds,
        }

    async def add(
        self,
        mailbox: MailboxId,
        octets: bytes,
        *,
        flags: Flags,
        received_at: datetime,
        kind: Kind | None = None,
        owed: Sequence[Owed] = (),
        key: str | None = None,
    ) -> Stored:
        """Keep a message as a greeting, on at once when ``flags`` say so.  Durable when it returns.

        Owes ``owed`` with it: for who is not the one that brought it.

        It may have any form with one audio part at least.  Without ``kind`` its header says which one
        it is; no X-CNS-Greeting-Type means a normal greeting.  Raises UnfitGreeting, Unreadable,
        BadAudio, MailboxFull, UnknownMessage when the mailbox is gone, Outage.
        """
        message = read_message(octets, _LIMITS)
        kind = kind or _kind(message)
        voice = await self._transcoder(audio_of(message))
        longest = await self._longest_of(mailbox, kind)
        if voice.seconds > longest:
            raise UnfitGreeting(f"longer than {longest} seconds")
        new = NewMessage(
            kind=kind,
            caller=None,
            received_at=received_at,
            seconds=voice.seconds,
            octets=octets,
            layout=Layout(
                header=octets[: message.header_size],
                envelope=message.envelope,
                body=message.body,
                body_structure=message.body_structure,
                parts=message.parts,
            ),
            flags=flags,
            key=key,
        )
        stored = await self._mailboxes.append(mailbox, GREETINGS, new, owed)
        self._hints.mailbox(mailbox)
        log.info(
            "greeting_added",
            mailbox=mailbox,
            kind=kind.value,
            uid=stored.uid,
            seconds=voice.seconds,
            on=Flags.GREETING_ON in flags,
        )
        return stored

    async def record(
        self,
        msisdn: Msisdn,
        audio: bytes,
        *,
        kind: Kind,
        active: bool,
        received_at: datetime,
        owed: Sequence[Owed] | None = None,
        request: bytes | None = None,
    ) -> Stored:
        """Keep a recording as a greeting.  Without ``owed`` it is an operator's, and the phone is told.

        ``request`` names the request: repeated, it makes no second greeting (``NewMessage.key``).  Raises
        UnknownSubscriber, and what ``add`` raises.
        """
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        voice = await self._transcoder(audio)
        composed = compose(
            VoiceMessage(
                audio=voice.amr,
                seconds=voice.seconds,
                caller=msisdn,
                recipient=msisdn,
                domain=self._domain,
                received_at=received_at,
                message_id=uuid4().hex,
                greeting=kind.value,
            )
        )
        flags = Flags.GREETING_ON if active else Flags(0)
        return await self.add(
            subscriber.mailbox,
            composed.octets,
            flags=flags,
            received_at=received_at,
            kind=kind,
            owed=[self._owing.greeting_update(subscriber)] if owed is None else owed,
            key=None if request is None else f"greeting:{request.hex()}",
        )

    async def audio(self, msisdn: Msisdn) -> bytes | None:
        """The sound that callers of a number hear, as WAV; None means the system's own greeting.

        Raises Outage, and BadAudio when what was readable once is not any more.
        """
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            return None
        uid = await self._active(subscriber.mailbox)
        if uid is None:
            return None
        octets = await self._mailboxes.octets(subscriber.mailbox, GREETINGS, uid)
        if octets is None:  # expunged since we looked
            return None
        return await self._sound(audio_of(read_message(octets, _LIMITS)))

    async def _longest_of(self, mailbox: MailboxId, kind: Kind) -> int:
        limits = await self._classes.of(mailbox) if kind is Kind.NORMAL_GREETING else None
        if limits is not None and limits.greeting_seconds is not None:
            return limits.greeting_seconds
        return self._longest[kind]

    async def _active(self, mailbox: MailboxId) -> int | None:
        states = await self._mailboxes.states(mailbox, GREETINGS)
        on = [state.uid for state in states if Flags.GREETING_ON in state.flags]
        found = await self._mailboxes.messages(mailbox, GREETINGS, on) if on else ()
        return next((one.uid for one in found if one.kind is Kind.NORMAL_GREETING), None)


def audio_of(message: ReadMessage) -> bytes:
    """The first audio part, out of its transfer encoding.  Raises UnfitGreeting, Unreadable."""
    for part in message.leaves:
        if part.media_type == "audio":
            return message.content(part)
    raise UnfitGreeting("no audio part")


def _kind(message: ReadMessage) -> Kind:
    named = message.field(_TYPE)
    if named is None:
        return Kind.NORMAL_GREETING
    kind = _KINDS.get(named.lower())
    if kind is None:
        raise UnfitGreeting(f"{_TYPE} must be one of {', '.join(_KINDS)}")
    return kind
