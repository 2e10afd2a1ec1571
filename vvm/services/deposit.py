# SPDX-License-Identifier: Apache-2.0
"""A message enters a mailbox."""

from __future__ import annotations

import hashlib
from typing import Protocol
from uuid import uuid4

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.cos import Limits
from vvm.domain.errors import MessageTooShort, TooLarge, UnknownMessage, UnknownSubscriber
from vvm.domain.message import INBOX, Envelope, Flags, Kind
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.message.audio.transcode import AudioTooLong, Voice
from vvm.message.writer import VoiceMessage, compose
from vvm.services.owing import Owing
from vvm.services.settings import DepositSettings, NotificationSettings, ServiceSettings
from vvm.store.port import (
    CosStore,
    Hints,
    Layout,
    MailboxStore,
    NewMessage,
    NumberStore,
    Original,
    SubscriberStore,
)

log = structlog.get_logger(__name__)

_NO_FLAGS = Flags(0)


class Transcoder(Protocol):
    """Turns audio into the codec of the handset, away from the event loop."""

    async def __call__(self, audio: bytes) -> Voice:
        """Raises BadAudio; Outage when no worker answers."""
        ...


class Deposited(msgspec.Struct, frozen=True):
    uid: int
    seconds: int
    created: bool
    """False when the key was known: nothing was added."""


class Depositor(Protocol):
    """``Deposit`` as the fronts call it, whatever is wrapped around it."""

    async def __call__(
        self, recipient: Msisdn, audio: bytes, envelope: Envelope, *, key: str | None = None
    ) -> Deposited:
        """Commit one message; the same key never makes a second.  Raises Refusal, Outage."""
        ...


class Deposit:
    """The only way a message enters a mailbox, whichever front received it.

    Order matters: checks, transcoding, then message and notification in one transaction, then the
    hints.  When it returns, the message is on disk and its SYNC is owed.
    """

    def __init__(
        self,
        subscribers: SubscriberStore,
        mailboxes: MailboxStore,
        hints: Hints,
        transcoder: Transcoder,
        *,
        numbers: NumberStore,
        classes: CosStore,
        clock: Clock,
        service: ServiceSettings,
        settings: DepositSettings,
        notification: NotificationSettings,
    ) -> None:
        self._subscribers = subscribers
        self._mailboxes = mailboxes
        self._numbers = numbers
        self._classes = classes
        self._hints = hints
        self._transcoder = transcoder
        self._clock = clock
        self._owing = Owing(clock, notification)
        self._domain = service.domain
        self._settings = settings

    async def __call__(
        self,
        recipient: Msisdn,
        audio: bytes,
        envelope: Envelope,
        *,
        key: str | None = None,
        flags: Flags = _NO_FLAGS,
        original: Original | None = None,
        told: bool = True,
    ) -> Deposited:
        """Take one voice message, and with it the mail that it came in, if it came in one.

        Who is not ``told`` of it finds it by looking.

        The same key never makes a second message in a mailbox.  Raises UnknownSubscriber,
        MailboxFull, TooLarge, BadAudio, AudioTooLong, MessageTooShort; Outage, after which the same
        call with the same key is safe.
        """
        if len(audio) > self._settings.max_bytes:
            raise TooLarge(limit_bytes=self._settings.max_bytes)
        subscriber = await self._owner(recipient)
        if subscriber is None or subscriber.status is ProvisioningStatus.UNKNOWN:
            raise UnknownSubscriber
        voice = await self._transcoder(audio)
        self._refuse_nothing_said(voice)
        limits = await self._limits(subscriber)
        _refuse_too_long(limits, voice)
        composed = compose(
            VoiceMessage(
                audio=voice.amr,
                seconds=voice.seconds,
                caller=envelope.caller,
                recipient=recipient,
                domain=self._domain,
                received_at=envelope.received_at,
                message_id=_message_id(recipient, key),
            )
        )
        message = NewMessage(
            kind=Kind.VOICE,
            caller=envelope.caller,
            received_at=envelope.received_at,
            seconds=voice.seconds,
            octets=composed.octets,
            layout=Layout(
                header=composed.octets[: composed.header_size],
                envelope=composed.envelope,
                body=composed.body,
                body_structure=composed.body_structure,
                parts=composed.parts,
            ),
            key=key,
            flags=flags,
            original=original,
        )
        owed = [self._owing.new_message(subscriber)] if told else []
        warned = told and limits.warn_percent is not None
        nearly_full = [self._owing.nearly_full(subscriber)] if warned else []
        try:
            stored = await self._mailboxes.append(
                subscriber.mailbox, INBOX, message, owed, nearly_full=nearly_full
            )
        except UnknownMessage:  # the mailbox went with its subscriber while we transcoded
            raise UnknownSubscriber from None
        if stored.created:
            self._hints.mailbox(subscriber.mailbox)
            self._hints.outbox()
            log.info(
                "message_deposited",
                msisdn=recipient,
                uid=stored.uid,
                seconds=voice.seconds,
                size=len(composed.octets),
            )
        return Deposited(uid=stored.uid, seconds=voice.seconds, created=stored.created)

    async def _owner(self, recipient: Msisdn) -> Subscriber | None:
        """Also by the number that it has just left: the call may have begun before."""
        found = await self._subscribers.by_msisdn(recipient)
        return found or await self._numbers.formerly(recipient, now=self._clock.now())

    async def _limits(self, subscriber: Subscriber) -> Limits:
        found = await self._classes.of(subscriber.mailbox) if subscriber.cos else None
        return found or Limits()

    def _refuse_nothing_said(self, voice: Voice) -> None:
        if voice.milliseconds < self._settings.min_milliseconds:
            raise MessageTooShort(
                f"{voice.milliseconds} ms, the shortest message has {self._settings.min_milliseconds} ms"
            )
        if voice.peak_dbfs is not None and voice.peak_dbfs < self._settings.silence_dbfs:
            raise MessageTooShort("nothing but silence")


def _refuse_too_long(limits: Limits, voice: Voice) -> None:
    longest = limits.max_message_seconds
    if longest is not None and voice.seconds > longest:
        raise AudioTooLong(f"more than {longest} seconds")


def _message_id(recipient: Msisdn, key: str | None) -> str:
    """Left side of Message-ID; the same for a repeated deposit, so that it can be recognised."""
    if key is None:
        return uuid4().hex
    return hashlib.sha256(f"{recipient}\0{key}".encode()).hexdigest()[:32]
