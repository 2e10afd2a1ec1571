# SPDX-License-Identifier: Apache-2.0

"""SYNC texts, field by field (sheet section 7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import msgspec
import pytest

from vvm.domain.message import Kind
from vvm.message.writer import VoiceMessage, compose
from vvm.omtp.sync import Event, Sync, render_sync

NEW = Sync(
    event=Event.NEW_MESSAGE,
    uid=3446456,
    count=1,
    kind=Kind.VOICE,
    sender="01234567898",
    received_at=datetime(2008, 8, 2, 12, 53, 59, tzinfo=timezone(timedelta(hours=2))),
    seconds=30,
)


def fields(sync: Sync) -> dict[str, str]:
    text = render_sync(sync, "//VVM").removeprefix("//VVM:SYNC:")
    return dict(field.split("=", 1) for field in text.split(";"))


# rows: SY-01 SMS-01 SMS-03 OPS-01
def test_a_new_message_reads_as_in_the_specification() -> None:
    assert (
        render_sync(NEW, "//VVM")
        == "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
    )


# rows: SY-02
def test_the_largest_uid_is_decimal_without_zeros_in_front() -> None:
    assert fields(msgspec.structs.replace(NEW, uid=2**32 - 1))["id"] == "4294967295"


# rows: SY-02
def test_a_uid_below_1_is_not_told() -> None:
    with pytest.raises(ValueError, match="UID"):
        msgspec.structs.replace(NEW, uid=0)


# rows: SY-04
@pytest.mark.parametrize(("count", "told"), [(0, "0"), (7, "7"), (99999, "99999"), (123456, "99999")])
def test_the_count_has_five_digits_at_most_and_no_padding(count: int, told: str) -> None:
    assert fields(msgspec.structs.replace(NEW, count=count))["c"] == told


# rows: SY-05
@pytest.mark.parametrize(("kind", "letter"), [(Kind.VOICE, "v"), (Kind.VIDEO, "o"), (Kind.FAX, "f")])
def test_every_kind_with_a_letter_has_its_own(kind: Kind, letter: str) -> None:
    assert fields(msgspec.structs.replace(NEW, kind=kind))["t"] == letter


# rows: SY-05
def test_a_kind_without_a_letter_is_refused_and_not_guessed() -> None:
    with pytest.raises(ValueError, match="number"):
        msgspec.structs.replace(NEW, kind=Kind.NUMBER_ONLY)


# rows: SY-06
@pytest.mark.parametrize("sender", [None, "", ";", "<>"])
def test_a_restricted_caller_leaves_the_sender_out(sender: str | None) -> None:
    assert list(fields(msgspec.structs.replace(NEW, sender=sender))) == ["ev", "id", "c", "t", "dt", "l"]


# rows: SMS-04
def test_a_number_that_tries_to_add_a_field_adds_none() -> None:
    told = fields(msgspec.structs.replace(NEW, sender="1;ev=GU\r\n+2"))
    assert told["s"] == "1evGU+2"
    assert told["ev"] == "NM"


# rows: SY-07 SY-08
@pytest.mark.parametrize("hours", [-8, 0, 2, 5.5, 13.75])
def test_time_and_length_are_those_of_the_message(hours: float) -> None:
    moment = datetime(2017, 3, 7, 18, 17, 42, tzinfo=timezone(timedelta(hours=hours)))
    told = fields(msgspec.structs.replace(NEW, received_at=moment, seconds=4))
    header = compose(
        VoiceMessage(
            audio=b"#!AMR\n",
            seconds=4,
            caller="+15551230001",
            recipient="+15551230002",
            domain="vvm.example.net",
            received_at=moment,
            message_id="a",
        )
    ).octets.decode()
    lines = dict(line.split(": ", 1) for line in header.split("\r\n\r\n")[0].split("\r\n"))
    date = parsedate_to_datetime(lines["Date"])
    assert told["dt"] == f"{date:%d/%m/%Y %H:%M %z}"
    assert told["l"] == lines["Content-Duration"]


# rows: SY-14
def test_a_mailbox_update_carries_the_count() -> None:
    assert render_sync(Sync(event=Event.MAILBOX_UPDATE, count=3), "//VVM") == "//VVM:SYNC:ev=MBU;c=3"


def test_a_greeting_update_has_its_own_event() -> None:
    assert render_sync(Sync(event=Event.GREETING_UPDATE, count=0), "//VVM") == "//VVM:SYNC:ev=GU;c=0"


# rows: SY-01
@pytest.mark.parametrize("field", ["uid", "kind", "received_at", "seconds"])
def test_a_new_message_with_a_field_missing_is_not_made(field: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        msgspec.structs.replace(NEW, **{field: None})


def test_a_time_without_a_zone_is_not_told() -> None:
    with pytest.raises(ValueError, match="aware"):
        msgspec.structs.replace(NEW, received_at=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
