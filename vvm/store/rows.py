# SPDX-License-Identifier: Apache-2.0
"""Between rows and the structs of the port, for every adapter that has rows.

The only place that knows the order of columns: the statements of each engine give them in this one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import msgspec

from vvm.domain.access import Role, Token
from vvm.domain.cos import Cos, Limits
from vvm.domain.device import Device, DeviceId
from vvm.domain.event import Event, EventKind
from vvm.domain.message import Flags, Kind
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import (
    ClientProfile,
    Closing,
    CosName,
    Fallback,
    MailboxId,
    ProvisioningStatus,
    Subscriber,
    SubscriberId,
)
from vvm.domain.visit import Act, Visit
from vvm.store.events import Parked, Webhook
from vvm.store.expiry import Aged, Ages
from vvm.store.keywords import NO_KEYWORDS
from vvm.store.port import (
    Audited,
    AuditRecord,
    Blob,
    DeletedMessage,
    FolderState,
    Inbound,
    Layout,
    MessageRecord,
    MessageState,
    NewInbound,
    NotificationRecord,
    OutboxCounts,
    OwedCount,
    Reported,
    Settlement,
    Told,
)
from vvm.store.repeats import Attempt, Remembered

Row = Sequence[Any]
"""What an engine hands out; turned into a struct or a number at once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)
_ADMITTED = frozenset(status.value for status in ProvisioningStatus if status.active)
_client = msgspec.json.Decoder(ClientProfile)
_FLAGS = tuple(Flags(bits) for bits in range(max(Flags) * 2))
"""Every combination, by its bits: a list of 10,000 messages makes no enum 10,000 times."""
_KINDS = {kind.value: kind for kind in Kind}
_CAUSES = {cause.value: cause for cause in Cause}
_TRIGGERS = {trigger.value: trigger for trigger in Trigger}
_event = msgspec.json.Decoder(Event)
_limits = msgspec.json.Decoder(Limits)
_layout = msgspec.msgpack.Decoder(Layout)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def bound(moment: datetime | None) -> int:
    """As microseconds; None: behind every moment."""
    return _MOST if moment is None else microseconds(moment)


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def duration(span: timedelta) -> int:
    return span // _MICROSECOND


@lru_cache(maxsize=256)
def _zone(seconds: int) -> timezone:
    return timezone(timedelta(seconds=seconds))


def utc_offset(when: datetime) -> int:
    """Seconds east of UTC."""
    offset = when.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def client_json(client: ClientProfile) -> str:
    return msgspec.json.encode(client).decode()


def layout_octets(layout: Layout) -> bytes:
    return msgspec.msgpack.encode(layout)


def uid_list(uids: Sequence[int]) -> str:
    """UIDs as the JSON array that json_each takes: one statement for any number of them."""
    return msgspec.json.encode(list(uids)).decode()


def keyword_order(text: str) -> tuple[str, ...]:
    """Those of a folder."""
    return tuple(text.split())


def keyword_text(names: Collection[str]) -> str | None:
    """Those of a message."""
    return " ".join(sorted(names)) or None


def keywords(text: str | None) -> frozenset[str]:
    return NO_KEYWORDS if text is None else frozenset(text.split())


def subscriber(row: Row) -> Subscriber:
    return Subscriber(
        id=SubscriberId(row[0]),
        mailbox=MailboxId(row[1]),
        msisdn=Msisdn(row[2]),
        status=ProvisioningStatus(row[3]),
        client=_client.decode(row[4]),
        language=row[5],
        setup_done=bool(row[6]),
        max_messages=row[7],
        imap_user=row[8],
        password_check=row[9],
        password_sealed=row[10],
        created_at=moment(row[11]),
        changed_at=moment(row[12]),
        pin_check=row[13],
        previous_check=row[14],
        previous_until=moment_or_none(row[15]),
        unanswered_syncs=row[16],
        fallback=Fallback(row[17]),
        cos=CosName(row[18] or ""),
        held=bool(row[19]),
        closing=None if row[20] is None else Closing(moment(row[20]), ProvisioningStatus(row[21])),
    )


def aliases(found: Sequence[Row]) -> dict[SubscriberId, list[Msisdn]]:
    """By their owners."""
    owned: defaultdict[SubscriberId, list[Msisdn]] = defaultdict(list)
    for owner, number in found:
        owned[SubscriberId(owner)].append(Msisdn(number))
    return dict(owned)


def folder_state(row: Row) -> FolderState:
    return FolderState(
        uid_validity=row[0],
        uid_next=row[1],
        highest_modseq=row[2],
        messages=row[3],
        unseen=row[4],
        octets=row[5],
        max_messages=row[6],
        admits_clients=row[8] in _ADMITTED,
        keywords=keyword_order(row[9]),
    )


def flags(bits: int) -> Flags:
    return _FLAGS[bits]


def message_state(row: Row) -> MessageState:
    return MessageState(row[0], _FLAGS[row[1]], row[2], keywords(row[3]))


def message_record(row: Row) -> MessageRecord:
    return MessageRecord(
        uid=row[0],
        flags=_FLAGS[row[1]],
        modseq=row[2],
        kind=_KINDS[row[3]],
        caller=row[4],
        received_at=moment(row[5]).astimezone(_zone(row[6])),
        seconds=row[7],
        size=row[8],
        layout=_layout.decode(row[9]),
        keywords=keywords(row[10]),
        identity=row[11],
    )


def deleted_message(row: Row) -> DeletedMessage:
    return DeletedMessage(
        id=row[0],
        folder=row[1],
        uid=row[2],
        flags=Flags(row[3]),
        kind=Kind(row[4]),
        caller=row[5],
        received_at=moment(row[6]).astimezone(timezone(timedelta(seconds=row[7]))),
        seconds=row[8],
        size=row[9],
        deleted_at=moment(row[10]),
        purge_at=moment(row[11]),
    )


def ages(limits: Ages) -> dict[str, object]:
    return {
        name: None if value is None else microseconds(value)
        for name, value in msgspec.structs.asdict(limits).items()
    }


def aged(row: Row) -> Aged:
    return Aged(subscriber(row), expired=bool(row[22]), unannounced=bool(row[23]))


def octets(row: Row) -> bytes | Blob:
    return row[0] if row[1] is None else Blob(key=row[1], size=row[2])


def heard_since(sms: NewInbound) -> int:
    """The moment of ``repeats_since``; after all others, where nothing can be the first delivery."""
    return 2**62 if sms.repeats_since is None else microseconds(sms.repeats_since)


def inbound(row: Row) -> Inbound:
    return Inbound(
        id=row[0],
        originator=row[1],
        destination=row[2],
        text=row[3],
        received_at=moment(row[4]),
    )


def cause(text: str) -> Cause | str:
    """As it is written where only a newer release beside this one knows it."""
    return _CAUSES.get(text, text)


def trigger(text: str) -> Trigger | str:
    """The same."""
    return _TRIGGERS.get(text, text)


def notification_record(row: Row) -> NotificationRecord:
    return NotificationRecord(
        id=row[0],
        recipient=Msisdn(row[1]),
        cause=cause(row[2]),
        uid=row[3],
        state=None if row[4] == "owed" else Settlement(row[4]),
        smpp_status=row[5],
        attempts=row[6],
        owed_at=moment(row[7]),
        taken_at=moment_or_none(row[8]),
        accepted_at=moment_or_none(row[9]),
        settled_at=moment_or_none(row[10]),
        carrier=row[11],
        smsc=row[12],
        fetched_at=moment_or_none(row[13]),
    )


def told(row: Row) -> Told:
    """Of cause, carrier, smsc, owed_at, accepted_at."""
    return Told(cause(row[0]), row[1], row[2], moment(row[3]), moment(row[4]))


def reported(way: Row) -> Reported:
    """Of the same as ``told``, or of nothing."""
    return Reported(told(way) if way else None)


def outbox_counts(owed: Sequence[Row], dead: int) -> OutboxCounts:
    """Of carrier, how many are owed, the oldest due_at; and of how many dead letters there are."""
    by_carrier = {carrier: OwedCount(count, moment(due_at)) for carrier, count, due_at in owed}
    return OutboxCounts(by_carrier, dead)


def audited(row: Row) -> Audited:
    return Audited(
        msisdn=Msisdn(row[0]),
        at=moment(row[1]),
        trigger=trigger(row[2]),
        before=None if row[3] is None else ProvisioningStatus(row[3]),
        after=None if row[4] is None else ProvisioningStatus(row[4]),
        reason=row[5],
        actor=row[6],
    )


def audit_record(row: Row) -> AuditRecord:
    return AuditRecord(id=row[7], entry=audited(row))


def device(row: Row) -> Device:
    return Device(
        id=DeviceId(row[0]),
        subscriber=SubscriberId(row[1]),
        login=row[2],
        name=row[3],
        profile=row[4],
        password_check=row[5],
        password_sealed=row[6],
        created_at=moment(row[7]),
        last_used_at=moment_or_none(row[8]),
    )


def visit(row: Row) -> Visit:
    return Visit(
        subscriber=SubscriberId(row[0]),
        device=None if row[1] is None else DeviceId(row[1]),
        act=Act(row[2]),
        detail=row[3],
        first_at=moment(row[4]),
        last_at=moment(row[5]),
        count=row[6],
    )


def token(row: Row) -> Token:
    return Token(
        name=row[0],
        role=Role(row[1]),
        digest=row[2],
        scopes=frozenset(row[3].split()),
        rate=row[4],
        created_at=moment(row[5]),
        expires_at=moment_or_none(row[6]),
    )


def attempt_values(attempt: Attempt) -> dict[str, object]:
    """The columns of a request that begins."""
    return {
        "key": attempt.key,
        "request": attempt.request,
        "busy_until": microseconds(attempt.busy_until),
        "expires_at": microseconds(attempt.expires_at),
    }


def remembered(row: Row) -> Remembered:
    return Remembered(request=row[0], answer=row[1], busy_until=moment(row[2]))


def limits(text: str) -> Limits:
    return _limits.decode(text)


def cos(row: Row) -> Cos:
    return Cos(CosName(row[0]), limits(row[1]), moment(row[2]))


def cos_values(cos: Cos) -> dict[str, object]:
    limits = msgspec.json.encode(cos.limits).decode()
    return {"name": cos.name, "limits": limits, "changed_at": microseconds(cos.changed_at)}


def changed_subscriber(after: Subscriber) -> dict[str, object]:
    """What ``update_subscriber`` takes."""
    return {
        "id": after.id,
        "status": after.status.value,
        "client": client_json(after.client),
        "language": after.language,
        "setup_done": after.setup_done,
        "max_messages": after.max_messages,
        "password_check": after.password_check,
        "password_sealed": after.password_sealed,
        "changed_at": microseconds(after.changed_at),
        "pin_check": after.pin_check,
        "previous_check": after.previous_check,
        "previous_until": None if after.previous_until is None else microseconds(after.previous_until),
        "fallback": after.fallback.value,
        "cos": after.cos,
        "held": after.held,
        "closing_at": None if after.closing is None else microseconds(after.closing.at),
        "closed_from": None if after.closing is None else after.closing.before.value,
    }


def webhook(row: Row, *, cursor: str) -> Webhook:
    """Of all columns but the cursor, which each engine keeps in its own way."""
    number, url, kinds, secret_sealed, created_at, paused, failures, due_at = row
    return Webhook(
        id=number,
        url=url,
        kinds=msgspec.json.decode(kinds, type=tuple[EventKind, ...]),
        secret_sealed=secret_sealed,
        cursor=cursor,
        created_at=moment(created_at),
        paused=bool(paused),
        failures=failures,
        due_at=moment(due_at),
    )


def parked(row: Row) -> Parked:
    number, webhook, event, attempts, due_at, error = row
    return Parked(
        id=number,
        webhook=webhook,
        event=_event.decode(event),
        attempts=attempts,
        due_at=moment_or_none(due_at),
        error=error,
    )
