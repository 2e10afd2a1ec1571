# SPDX-License-Identifier: Apache-2.0
"""Takes mailboxes in: subscriber, PIN, messages, greetings; then looks whether all of it is there.

Every message is deposited under a key of its source, so that to do it again adds nothing.  Nobody is told
of what comes: a phone with an active client may be told once, at the end, to look at its mailbox.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence

import msgspec

from vvm.domain.errors import Refusal
from vvm.domain.message import GREETINGS, INBOX, Envelope, Flags
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.message.writer import VoiceMessage, compose
from vvm.migration.ledger import Ledger, Taken, checksum
from vvm.migration.source import Item, Origin, Recorded, Source
from vvm.runtime.wiring import Services
from vvm.services.owing import Owing
from vvm.services.provisioning import MAX_MESSAGES_LIMIT, SubscriberOptions

_AT_A_TIME = 4
"""Mailboxes; the transcoders are the narrow place."""

Advance = Callable[[int], None]
"""Hears of so many messages that are done with, one way or another."""


class Options(msgspec.Struct, frozen=True):
    create: bool
    """Give the service to numbers that do not have it."""
    tell: bool
    """Owe one SYNC MBU to each active client that has something new."""


class Line(msgspec.Struct, kw_only=True):
    """What became of one mailbox."""

    mailbox: str
    msisdn: Msisdn | None
    subscriber: str = "none"
    """``there``, ``created`` (or ``to be created``), ``none``."""
    found: int = 0
    taken: int = 0
    known: int = 0
    """Taken in by an earlier run."""
    refused: int = 0
    verified: int = 0
    """Are there as they were stored; what its owner has removed since is not."""
    greetings: int = 0
    pin: str = "none"
    """``set``, ``kept`` (it had one), ``unfit``, ``none``; before: ``to be set``."""
    octets: int = 0
    problems: list[str] = msgspec.field(default_factory=list)


class Migration:
    def __init__(
        self, services: Services, source: Source, ledger: Ledger, options: Options, owing: Owing
    ) -> None:
        self._services = services
        self._source = source
        self._ledger = ledger
        self._options = options
        self._owing = owing

    async def plan(self, advance: Advance = lambda _: None) -> list[Line]:
        """What a run would do, without doing any of it.  Raises SourceFault, Outage."""
        planned = []
        async for origin in self._source.origins():
            planned.append(await self._planned(origin))
            advance(1)
        return planned

    async def run(self, advance: Advance) -> list[Line]:
        """Do it.  One mailbox that goes wrong costs only itself.  Raises SourceFault, Outage."""
        places = asyncio.Semaphore(_AT_A_TIME)

        async def one(origin: Origin) -> Line:
            try:
                return await self._mailbox(origin, advance)
            finally:
                places.release()

        async with asyncio.TaskGroup() as group:
            tasks = []
            async for origin in self._source.origins():
                await places.acquire()
                tasks.append(group.create_task(one(origin)))
        return [task.result() for task in tasks]

    async def _planned(self, origin: Origin) -> Line:
        line = _line(origin)
        if origin.msisdn is None:
            return line
        subscriber = await self._services.store.subscribers.by_msisdn(origin.msisdn)
        line.subscriber = "there" if subscriber else ("to be created" if self._options.create else "none")
        if subscriber is None and not self._options.create:
            line.problems.append("the number is not served: --create, or vvm subscriber add")
        line.known = sum(item.key in self._ledger.taken for item in origin.items)
        line.greetings = len(origin.greetings)
        if origin.pin is not None:
            line.pin = "kept" if subscriber and subscriber.pin_check else "to be set"
        return line

    async def _mailbox(self, origin: Origin, advance: Advance) -> Line:
        line = _line(origin)
        subscriber = await self._subscriber(origin, line)
        if subscriber is None:
            line.refused = len(origin.items)
            advance(len(origin.items))
            return line
        await self._pin(origin, subscriber, line)
        for item in origin.items:
            await self._item(origin, item, subscriber.msisdn, line)
            advance(1)
        for recorded in origin.greetings:
            await self._greeting(origin, recorded, subscriber, line)
        line.verified = await self._verified(subscriber, [item.key for item in origin.items], line)
        if self._options.tell and line.taken and subscriber.status.active:
            await self._services.store.outbox.owe([self._owing.mailbox_update(subscriber)])
            self._services.hints.outbox()
        return line

    async def _subscriber(self, origin: Origin, line: Line) -> Subscriber | None:
        if origin.msisdn is None:
            return None
        store, provisioning = self._services.store.subscribers, self._services.provisioning
        found = await store.by_msisdn(origin.msisdn)
        if found is not None:
            line.subscriber = "there"
            return found
        if not self._options.create:
            line.problems.append("the number is not served: --create, or vvm subscriber add")
            return None
        room = max(self._services.service.max_messages, min(2 * len(origin.items), MAX_MESSAGES_LIMIT))
        line.subscriber = "created"
        return await provisioning.create(origin.msisdn, SubscriberOptions(max_messages=room))

    async def _pin(self, origin: Origin, subscriber: Subscriber, line: Line) -> None:
        if origin.pin is None:
            return
        if subscriber.pin_check is not None:
            line.pin = "kept"
            return
        try:
            await self._services.provisioning.change(subscriber.msisdn, SubscriberOptions(pin=origin.pin))
        except Refusal as refusal:
            line.pin = "unfit"
            line.problems.append(f"no PIN: {refusal}")
        else:
            line.pin = "set"

    async def _item(self, origin: Origin, item: Item, msisdn: Msisdn, line: Line) -> None:
        if item.key in self._ledger.taken:
            line.known += 1
            return
        try:
            read = await self._source.read(origin, item)
            deposited = await self._services.deposit(
                msisdn,
                read.audio,
                Envelope(caller=read.caller, received_at=read.received_at),
                key=f"migration:{_digest(item.key)}",
                flags=item.flags,
                told=False,
            )
        except Refusal as refusal:
            line.refused += 1
            line.problems.append(f"{item.key}: {refusal}")
            return
        subscriber = await self._services.store.subscribers.by_msisdn(msisdn)
        octets = None
        if subscriber is not None:
            octets = await self._services.store.mailboxes.octets(subscriber.mailbox, INBOX, deposited.uid)
        line.taken += deposited.created
        line.known += not deposited.created
        self._ledger.add(
            Taken(
                key=item.key,
                msisdn=msisdn,
                uid=deposited.uid,
                seconds=deposited.seconds,
                source=checksum(read.audio),
                stored=checksum(octets or b""),
            )
        )

    async def _greeting(self, origin: Origin, recorded: Recorded, subscriber: Subscriber, line: Line) -> None:
        """The same sound is one greeting, however often it comes."""
        services = self._services
        try:
            audio = await self._source.greeting(origin, recorded)
            voice = await services.transcode(audio)
            name = _digest(f"{subscriber.msisdn} {recorded.kind.value} {checksum(audio)}")
            composed = compose(
                VoiceMessage(
                    audio=voice.amr,
                    seconds=voice.seconds,
                    caller=subscriber.msisdn,
                    recipient=subscriber.msisdn,
                    domain=services.service.domain,
                    received_at=subscriber.created_at,
                    message_id=name,
                )
            )
            if not await self._has(subscriber, composed.octets):
                await services.greetings.add(
                    subscriber.mailbox,
                    composed.octets,
                    flags=Flags.GREETING_ON if recorded.on else Flags(0),
                    received_at=subscriber.created_at,
                    kind=recorded.kind,
                )
        except Refusal as refusal:
            line.problems.append(f"greeting {recorded.place.rpartition('/')[2]}: {refusal}")
        else:
            line.greetings += 1

    async def _has(self, subscriber: Subscriber, octets: bytes) -> bool:
        mailboxes = self._services.store.mailboxes
        for state in await mailboxes.states(subscriber.mailbox, GREETINGS):
            if await mailboxes.octets(subscriber.mailbox, GREETINGS, state.uid) == octets:
                return True
        return False

    async def _verified(self, subscriber: Subscriber, keys: Sequence[str], line: Line) -> int:
        """Look at each message again, as a client would fetch it."""
        verified = 0
        for taken in (self._ledger.taken[key] for key in keys if key in self._ledger.taken):
            octets = await self._services.store.mailboxes.octets(subscriber.mailbox, INBOX, taken.uid)
            if octets is not None and checksum(octets) != taken.stored:
                line.problems.append(f"{taken.key}: UID {taken.uid} is not what was stored")
            elif octets is not None:
                verified += 1
        return verified


def _line(origin: Origin) -> Line:
    line = Line(
        mailbox=origin.name,
        msisdn=origin.msisdn,
        found=len(origin.items),
        octets=sum(item.size for item in origin.items),
        problems=list(origin.problems),
    )
    if origin.msisdn is None and origin.items:
        line.problems.append("nobody knows whose it is: name it in --numbers")
    return line


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
