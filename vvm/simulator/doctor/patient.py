# SPDX-License-Identifier: Apache-2.0
"""The hops of one subscriber that can be judged from what the store knows, before anything is sent."""

from __future__ import annotations

from datetime import datetime

from vvm.domain.clock import Clock
from vvm.domain.message import INBOX
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.services.credentials import Keyring, SealBroken
from vvm.simulator.doctor.finding import Finding, Hop, failed, note, ok
from vvm.store.port import NotificationRecord, Settlement, Store

_HISTORY = 100
_NEW_PASSWORD = frozenset({Trigger.ROTATED, Trigger.RENUMBERED, Trigger.SIM_SWAPPED})
_LOST = frozenset({Settlement.FAILED, Settlement.EXPIRED})


def standing(msisdn: Msisdn, subscriber: Subscriber | None) -> Finding:
    """Whether the number has the service, and a client."""
    if subscriber is None:
        return failed(
            Hop.SUBSCRIBER,
            "subscriber_unknown",
            f"{msisdn} is not served here",
            f"vvm subscriber add {msisdn}",
        )
    if subscriber.closing is not None:
        return failed(
            Hop.SUBSCRIBER,
            "subscriber_closed",
            f"{msisdn} is closed, and goes at {subscriber.closing.at:%Y-%m-%d %H:%M} UTC",
            f"vvm subscriber reopen {msisdn}, and everything is as it was",
        )
    match subscriber.status:
        case ProvisioningStatus.BLOCKED:
            return failed(
                Hop.SUBSCRIBER,
                "subscriber_blocked",
                f"{msisdn} is blocked: messages are kept, no client is let in",
                f"vvm subscriber set {msisdn} --unblocked; its client must activate again",
            )
        case ProvisioningStatus.PROVISIONED:
            return failed(
                Hop.SUBSCRIBER,
                "not_activated",
                f"no client of {msisdn} is activated: its phone has never asked, or has signed out",
                "switch visual voicemail on in the phone; see vvm timeline for whether its SMS came",
            )
        case ProvisioningStatus.UNKNOWN:
            return failed(
                Hop.SUBSCRIBER,
                "subscriber_unknown",
                f"{msisdn} is in status U: known, and not served",
                f"vvm subscriber remove {msisdn}, then add it again",
            )
        case _:
            silent = subscriber.unanswered_syncs
            if silent:
                text = f"active, and its client has not logged in since the last {silent} SYNC"
                return note(Hop.SUBSCRIBER, text)
            return ok(Hop.SUBSCRIBER, f"active, status {subscriber.status.value}")


async def service_number(store: Store, subscriber: Subscriber, source: str) -> Finding:
    """A client listens to the number that it writes to, and to no other."""
    sent = await store.inbound.history(subscriber.handset, limit=_HISTORY)
    if not sent:
        return note(Hop.SERVICE_NUMBER, f"we write from {source}; no SMS of its handset is known to compare")
    written = sent[-1].destination
    if written.lstrip("+") == source:
        return ok(Hop.SERVICE_NUMBER, f"its handset writes to {written}, and we write from {source}")
    return failed(
        Hop.SERVICE_NUMBER,
        "wrong_service_number",
        f"its handset writes to {written}, and we write from {source}: its client ignores our SMS",
        "put vvm.service_number (or source of its client) right, as the phone's carrier settings have it",
    )


async def credentials(store: Store, keyring: Keyring, subscriber: Subscriber, clock: Clock) -> Finding:
    """The password that the phone knows is the one that opens the mailbox."""
    try:
        keyring.open(subscriber.imap_user, subscriber.password_sealed)
    except SealBroken:
        return failed(
            Hop.CREDENTIALS,
            "master_key",
            "the master key does not open its password: no STATUS can be sent",
            f"restore the master key of this store, or vvm subscriber rotate {subscriber.msisdn}",
        )
    rotated = [
        entry.at
        for entry in await store.subscribers.audit(subscriber.msisdn, limit=_HISTORY)
        if entry.trigger in _NEW_PASSWORD
    ]
    if not rotated:
        return ok(Hop.CREDENTIALS, "its password was never replaced")
    return await _heard_of(store, subscriber, rotated[-1], clock)


async def _heard_of(store: Store, subscriber: Subscriber, rotated: datetime, clock: Clock) -> Finding:
    """Whether a STATUS with the new password left."""
    history = await store.outbox.history(subscriber.handset, limit=_HISTORY)
    told = [record for record in history if record.cause is Cause.STATUS and _after(record, rotated)]
    when = f"its password was replaced at {rotated:%Y-%m-%d %H:%M} UTC"
    if any(record.accepted_at is not None and record.state not in _LOST for record in told):
        return ok(Hop.CREDENTIALS, f"{when}, and its phone was told")
    until = subscriber.previous_until
    works = until is not None and clock.now() < until
    old = f"the old one works until {until:%Y-%m-%d %H:%M} UTC" if works else "the old one is revoked"
    lost = [record for record in told if record.state in _LOST]
    why = "its STATUS waits to be sent" if told and not lost else "the STATUS that says so was lost"
    return failed(
        Hop.CREDENTIALS,
        "credentials_revoked",
        f"{when}, {why}, and {old}: the phone does not know the one that counts",
        f"once SMS leave again: vvm subscriber announce {subscriber.msisdn}",
    )


def _after(record: NotificationRecord, rotated: datetime) -> bool:
    return record.owed_at >= rotated or (record.taken_at is not None and record.taken_at >= rotated)


async def mailbox(store: Store, subscriber: Subscriber) -> Finding:
    found = await store.mailboxes.folder(subscriber.mailbox, INBOX)
    if found is None:
        cure = "restore the store from a copy"
        return failed(Hop.MAILBOX, "mailbox_missing", "it has no INBOX", cure)
    filled = f"{found.messages} of {found.max_messages} messages, {found.unseen} not heard"
    if found.messages >= found.max_messages:
        return failed(
            Hop.MAILBOX,
            "mailbox_full",
            f"{filled}: callers cannot leave another one",
            f"have messages deleted, or vvm subscriber set {subscriber.msisdn} --max-messages N",
        )
    return ok(Hop.MAILBOX, filled)
