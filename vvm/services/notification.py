# SPDX-License-Identifier: Apache-2.0
"""From the outbox to the text of an SMS.

A row says what happened; here it is decided whether the phone is told, and in which words.  The
words are made at the moment of sending, so that a count or a password is never an old one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.cos import Limits
from vvm.domain.errors import Refusal
from vvm.domain.message import INBOX
from vvm.domain.notification import EVERYBODY, Cause, Family, Lane, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, Fallback, SmsCoding, Subscriber
from vvm.omtp.carrier import Carriers
from vvm.omtp.dialects import status_text, sync_text
from vvm.omtp.status import ReturnCode
from vvm.omtp.sync import Event, Sync
from vvm.services.credentials import Keyring
from vvm.services.device_codes import CodeTexts
from vvm.services.fallback import FallbackRules
from vvm.services.made_pins import PinTexts
from vvm.services.owing import Owing
from vvm.services.plain_sms import PlainSms
from vvm.services.replies import Replies
from vvm.services.retelling import Retelling
from vvm.services.settings import NotificationSettings, ServiceSettings
from vvm.services.warnings import Warnings
from vvm.store.port import (
    Acceptance,
    CosStore,
    Hints,
    MailboxStore,
    OutboxStore,
    Reported,
    Settlement,
    SubscriberStore,
)

log = structlog.get_logger(__name__)


_AGAIN: Mapping[Family, Cause] = {
    Family.SYNC: Cause.MAILBOX_UPDATE,
    Family.GREETING: Cause.GREETING_UPDATE,
    Family.WARNING: Cause.NEARLY_FULL,
    Family.PIN: Cause.PIN,
    Family.EXPIRY: Cause.EXPIRY,
    Family.LAMP: Cause.MWI,
    Family.TEXT: Cause.TEXT,
}
"""What is owed to the number that a subscriber has now, in place of the one that it had."""


_BY_HAND: Mapping[Cause, Fallback] = {
    Cause.MWI: Fallback.MWI,
    Cause.MWI_CLEAR: Fallback.MWI,
    Cause.TEXT: Fallback.TEXT,
}
"""What an operator has sent whatever the subscriber's fallback is."""
_TO_A_PERSON = frozenset({Cause.CODE, Cause.PIN, Cause.NEARLY_FULL, Cause.EXPIRY, *_BY_HAND})


class Notice(msgspec.Struct, frozen=True):
    """A notification ready to be sent: the row, the text, and how it travels.

    The text of a STATUS holds a password, that of a code the code, that of a PIN the PIN: never log it.
    """

    row: Leased
    text: str
    coding: SmsCoding
    port: int
    """Application port; 0 for none."""
    source: str
    """The short code it comes from."""
    validity: timedelta
    to_client: bool
    """A client reads it, and not a person."""
    waiting: int | None = None
    """Makes it a message waiting indication with this count."""

    def __repr__(self) -> str:
        return f"Notice(row={self.row.id}, cause={self.row.cause.value})"


class Notification:
    def __init__(
        self,
        outbox: OutboxStore,
        subscribers: SubscriberStore,
        mailboxes: MailboxStore,
        hints: Hints,
        keyring: Keyring,
        *,
        classes: CosStore,
        codes: CodeTexts,
        pins: PinTexts,
        retelling: Retelling,
        clock: Clock,
        service: ServiceSettings,
        carriers: Carriers,
        settings: NotificationSettings,
    ) -> None:
        self._outbox = outbox
        self._subscribers = subscribers
        self._mailboxes = mailboxes
        self._hints = hints
        self._codes = codes
        self._pins = pins
        self._replies = Replies(service, carriers, keyring)
        self._retelling = retelling
        self._owing = Owing(clock, settings)
        self._fallback = FallbackRules(service, settings)
        self._warnings = Warnings(service, settings)
        self._classes = classes
        self._clock = clock
        self._settings = settings
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._sync_life = timedelta(hours=settings.sync_hours)
        self._gate = timedelta(minutes=settings.receipt_gate_minutes)
        self._status_life = timedelta(minutes=settings.status_minutes)
        self._turns: dict[Lane, str] = {}
        """Of each lane the carrier that had the last turn."""

    @property
    def hold(self) -> timedelta:
        """How long a row is in one worker's hands."""
        return self._lease

    async def take_back(self, holder: str, *, but: Collection[int] = ()) -> None:
        """What this worker, or an earlier life of it, was given and knows nothing of is due again at once.

        ``but``: rows that are in its hands.
        """
        if count := await self._outbox.take_back(holder, but=but):
            log.info("notifications_taken_back", count=count)

    async def lease(self, limit: int, *, holder: str = "", lane: Lane = EVERYBODY) -> Sequence[Notice]:
        """Take what is due and still wanted, of the carriers of a lane; what is not is settled here."""
        now = self._clock.now()
        notices = []
        rows = await self._outbox.lease(
            now=now,
            lease=self._lease,
            limit=limit,
            holder=holder,
            lane=lane,
            after=self._turns.get(lane, ""),
        )
        if rows:
            self._turns[lane] = rows[-1].carrier
        for row in rows:
            if row.expires_at <= now:
                await self._close(row, Settlement.EXPIRED)
            elif (notice := await self._wanted(row)) is not None:
                notices.append(notice)
        return notices

    async def accepted(self, row: Leased, acceptance: Acceptance) -> None:
        """The SMSC took a segment that is not the last; survives the end of the process when this returns."""
        await self._outbox.accepted(row, acceptance, now=self._clock.now())

    async def sent(self, notice: Notice, *, smsc: str, last: Acceptance | None = None) -> None:
        """An SMSC took the whole of it, ``last`` being its last segment.

        Where it reports on every SMS, the next SYNC waits for that.
        """
        now = self._clock.now()
        row = notice.row
        gated_until = None
        if row.cause.family is Family.SYNC and smsc in self._settings.receipt_gate:
            gated_until = now + self._gate
        await self._outbox.settle(
            row,
            Settlement.SENT,
            now=now,
            gated_until=gated_until,
            smsc=smsc,
            to_client=notice.to_client,
            last=last,
        )
        log.info("notification_sent", row=row.id, cause=row.cause.value, msisdn=row.recipient)

    async def retry(self, row: Leased, *, after: timedelta, smpp_status: int | None, counted: bool) -> None:
        """The SMSC could not take it now.  After too many counted attempts it is a dead letter.

        What no SMSC saw (``after`` is nothing) goes back to its place, before what was owed later.
        """
        if counted and row.attempt >= self._settings.max_attempts:
            await self.failed(row, smpp_status=smpp_status)
            return
        due_at = self._clock.now() + after if after else row.owed_at
        await self._outbox.retry(row, due_at=due_at, status=smpp_status, counted=counted)
        if not after:
            self._hints.outbox()  # another node may send it while this one stops, or has lost its bind

    async def failed(self, row: Leased, *, smpp_status: int | None) -> None:
        """The SMSC refused it for good: a dead letter, kept for an operator to see."""
        await self._close(row, Settlement.FAILED, smpp_status)

    async def receipt(self, message_id: str, settlement: Settlement) -> Reported | None:
        """The SMSC reports on a segment.  None: not one of ours."""
        reported = await self._outbox.receipt(message_id, settlement, now=self._clock.now())
        if reported is not None:
            self._hints.outbox()  # it may have opened a gate
        return reported

    async def reachable(self, handset: Msisdn) -> None:
        """The network sees a phone again: what waits for it is due now, and what it missed it is told."""
        now = self._clock.now()
        hastened = await self._outbox.hasten(handset, now=now)
        told_again = await self._retelling.seen(handset)
        if hastened:
            self._hints.outbox()
        if hastened or told_again:
            log.info("handset_reachable", msisdn=handset, hastened=hastened, told_again=told_again)

    async def moved(self, within: timedelta, lane: Lane = EVERYBODY) -> None:
        """Return when something of a lane may be due: at a hint, at its time, or when the time is over."""
        now = self._clock.now()
        next_due = await self._outbox.next_due(now=now, lane=lane)
        if next_due is not None:
            within = min(within, max(next_due - now, timedelta()))
        if within > timedelta():
            await self._hints.outbox_moved(within)

    async def _close(self, row: Leased, settlement: Settlement, smpp_status: int | None = None) -> None:
        await self._outbox.settle(row, settlement, now=self._clock.now(), status=smpp_status)
        report = log.info if settlement is Settlement.NOT_WANTED else log.warning
        report(
            "notification_not_sent",
            row=row.id,
            cause=row.cause.value,
            msisdn=row.recipient,
            reason=settlement.value,
            smpp_status=None if smpp_status is None else f"{smpp_status:#010x}",
        )

    async def _wanted(self, row: Leased) -> Notice | None:
        """The notice, or None when the row was settled because there is nothing to send."""
        try:
            notice = await self._notice(row)
        except (Refusal, ValueError) as error:  # this row cannot be put in words; the others can
            log.error("notification_not_rendered", row=row.id, error=type(error).__name__)  # noqa: TRY400 - a text of ours may hold a number
            await self._close(row, Settlement.FAILED)
            return None
        if notice is None:
            await self._close(row, Settlement.NOT_WANTED)
        return notice

    async def _notice(self, row: Leased) -> Notice | None:
        subscriber = None
        if row.subscriber is not None:
            subscriber = await self._subscribers.by_id(row.subscriber)
            if subscriber is not None and await self._moved_away(row, subscriber):
                return None
        client = self._replies.client(subscriber)
        limits = await self._limits(subscriber)
        if row.cause is Cause.STATUS:
            reply = self._replies(subscriber, ReturnCode(row.return_code), limits)
            return self._to_client(row, status_text(reply, client), client, self._status_life)
        if subscriber is None:
            return None
        if row.cause in _TO_A_PERSON:
            return await self._asked_for(row, subscriber, limits)
        fallback = limits.fallback or subscriber.fallback
        if not self._fallback.client_is_told(subscriber, fallback):
            if row.cause is Cause.GREETING_UPDATE:
                return None  # neither a lamp nor a text is about greetings
            return await self._plain(row, subscriber, fallback)
        sync = await self._sync(row, subscriber)
        if sync is None:
            return None
        text = sync_text(sync, client, partial(self._replies, subscriber, ReturnCode.SUCCESS, limits))
        return self._to_client(row, text, client, self._sync_life)

    async def _asked_for(self, row: Leased, subscriber: Subscriber, limits: Limits) -> Notice | None:
        """What a person reads, whether or not a client is active."""
        if row.cause is Cause.CODE:
            return await self._code(row, subscriber)
        if row.cause in _BY_HAND:
            return await self._plain(row, subscriber, _BY_HAND[row.cause])
        if row.cause is Cause.PIN:
            sms = await self._pins.sms(subscriber)
        else:
            sms = self._warnings.sms(subscriber, row.cause, limits)
        return None if sms is None else self._to_person(row, sms, subscriber, self._sync_life)

    async def _moved_away(self, row: Leased, subscriber: Subscriber) -> bool:
        """Whether the subscriber has another number or carrier since; what is still meant is owed there."""
        if not await self._has(subscriber, row.recipient):
            await self._redirect(row, subscriber)
        elif subscriber.client.carrier != row.carrier:
            await self._reroute(row, subscriber)
        else:
            return False
        return True

    async def _has(self, subscriber: Subscriber, number: Msisdn) -> bool:
        if number == subscriber.msisdn:
            return True
        found = await self._subscribers.by_msisdn(number)
        return found is not None and found.id == subscriber.id

    async def _redirect(self, row: Leased, subscriber: Subscriber) -> None:
        """The number is not the subscriber's any more: the one that it has now is told to look.

        Not of credentials and one-time codes, which whoever changed the number has taken care of.
        """
        again = _AGAIN.get(row.cause.family)
        if again is not None:
            owed = self._owing.again(subscriber, again)
            await self._outbox.owe([msgspec.structs.replace(owed, recipient=subscriber.msisdn)])
            self._hints.outbox()

    async def _reroute(self, row: Leased, subscriber: Subscriber) -> None:
        """The subscriber has another carrier since: by whose SMSC the phone is to be told."""
        again = Owed(
            recipient=row.recipient,
            subscriber=subscriber.id,
            cause=row.cause.joined,
            due_at=self._clock.now(),
            expires_at=row.expires_at,
            return_code=row.return_code,
            carrier=subscriber.client.carrier,
        )
        await self._outbox.owe([again])
        self._hints.outbox()

    async def _limits(self, subscriber: Subscriber | None) -> Limits:
        """Of its class of service; of nobody's, nothing is limited."""
        if subscriber is None or not subscriber.cos:
            return Limits()
        return await self._classes.of(subscriber.mailbox) or Limits()

    def _to_client(self, row: Leased, text: str, client: ClientProfile, life: timedelta) -> Notice:
        return Notice(
            row=row,
            text=text,
            coding=client.coding,
            port=client.port,
            source=self._replies.source(client),
            validity=self._validity(row, life),
            to_client=True,
        )

    def _validity(self, row: Leased, life: timedelta) -> timedelta:
        """The SMSC keeps it no longer than it is owed."""
        return min(life, row.expires_at - self._clock.now())

    async def _code(self, row: Leased, subscriber: Subscriber) -> Notice | None:
        sms = await self._codes.sms(subscriber)
        if sms is None:
            return None
        return self._to_person(row, sms, subscriber, row.expires_at - row.owed_at)

    async def _plain(self, row: Leased, subscriber: Subscriber, fallback: Fallback) -> Notice | None:
        """What goes to the phone itself in place of a client; None when that is nothing."""
        folder = await self._mailboxes.folder(subscriber.mailbox, INBOX)
        if folder is None:
            return None
        count = 0 if row.cause is Cause.MWI_CLEAR else folder.unseen
        sms = self._fallback.sms(subscriber, fallback, count=count)
        return None if sms is None else self._to_person(row, sms, subscriber, self._sync_life)

    def _to_person(self, row: Leased, sms: PlainSms, subscriber: Subscriber, life: timedelta) -> Notice:
        """No port: the telephone itself shows it."""
        return Notice(
            row=row,
            text=sms.text,
            coding=sms.coding,
            port=0,
            source=self._replies.source(subscriber.client),
            validity=self._validity(row, life),
            to_client=False,
            waiting=sms.waiting,
        )

    async def _sync(self, row: Leased, subscriber: Subscriber) -> Sync | None:
        """SYNC NM of the row's message, None when it is gone already; or MBU, or GU (OMTP 1.3 2.9.1)."""
        folder = await self._mailboxes.folder(subscriber.mailbox, INBOX)
        if folder is None:
            return None
        if row.cause is Cause.GREETING_UPDATE:
            return Sync(event=Event.GREETING_UPDATE, count=folder.unseen)
        if row.uid is None:
            return Sync(event=Event.MAILBOX_UPDATE, count=folder.unseen)
        found = await self._mailboxes.messages(subscriber.mailbox, INBOX, [row.uid])
        if not found:
            return None
        message = found[0]
        return Sync(
            event=Event.NEW_MESSAGE,
            uid=message.uid,
            count=folder.unseen,
            kind=message.kind,
            sender=message.caller,
            received_at=message.received_at,
            seconds=message.seconds,
        )
