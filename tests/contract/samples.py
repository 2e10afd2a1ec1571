# SPDX-License-Identifier: Apache-2.0
"""Things to put into a store, each with a default for everything that a test does not speak of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec

from vvm.domain.message import Kind
from vvm.domain.notification import Cause, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, ProvisioningStatus, Subscriber
from vvm.message.writer import PartSpan
from vvm.store.port import Layout, NewInbound, NewMessage, NewSubscriber

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
ALICE = Msisdn("+33612345678")
BOB = Msisdn("+33687654321")


def new_subscriber(msisdn: Msisdn = ALICE, **fields: object) -> NewSubscriber:
    """A provisioned subscriber; ``fields`` replaces what a test cares for."""
    new = NewSubscriber(
        msisdn=msisdn,
        status=ProvisioningStatus.PROVISIONED,
        client=ClientProfile(),
        language="eng",
        setup_done=True,
        max_messages=100,
        imap_user=f"{msisdn.removeprefix('+')}@vvm.example.net",
        password_check=b"\x01" * 32,
        password_sealed=b"\x02" * 50,
        created_at=NOW,
    )
    return msgspec.structs.replace(new, **fields)


def new_message(octets: bytes = b"Subject: hello\r\n\r\nhello\r\n", *, key: str | None = None) -> NewMessage:
    return NewMessage(
        kind=Kind.VOICE,
        caller="+33698765432",
        received_at=datetime(2026, 3, 1, 14, 0, 7, tzinfo=timezone(timedelta(hours=2))),
        seconds=7,
        octets=octets,
        layout=Layout(
            header=octets[:18],
            envelope=b'(NIL "hello")',
            body=b'("AUDIO" "AMR")',
            body_structure=b'("AUDIO" "AMR" NIL)',
            parts=(PartSpan(number="1", mime_start=0, body_start=18, body_end=len(octets)),),
        ),
        key=key,
    )


def owed_to(
    subscriber: Subscriber, *, cause: Cause = Cause.STATUS, due_at: datetime = NOW, return_code: int = 0
) -> Owed:
    return Owed(
        recipient=subscriber.msisdn,
        subscriber=subscriber.id,
        cause=cause,
        due_at=due_at,
        expires_at=due_at + timedelta(hours=1),
        return_code=return_code,
    )


def owed_to_stranger(number: int = 0, *, due_at: datetime = NOW, return_code: int = 0) -> Owed:
    """A STATUS for one of as many people as a test needs; nothing of theirs joins."""
    return Owed(
        recipient=Msisdn(f"+33700{number:06}"),
        subscriber=None,
        cause=Cause.STATUS,
        due_at=due_at,
        expires_at=due_at + timedelta(hours=1),
        return_code=return_code,
    )


def new_inbound(key: str = "k1", *, text: str = "STATUS") -> NewInbound:
    return NewInbound(
        key=key, originator=ALICE, destination="5511", text=text, received_at=NOW, repeats_since=NOW - MINUTE
    )
