# SPDX-License-Identifier: Apache-2.0

"""Laws of the SMS texts: what we write AOSP reads, and no text breaks a reader."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from vvm.domain.message import Kind
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ProvisioningStatus
from vvm.message.writer import VoiceMessage, compose
from vvm.omtp.client import (
    Activate,
    ClientRequest,
    UnknownRequest,
    parse_client_sms,
)
from vvm.omtp.status import ReturnCode, StatusReply, render_status
from vvm.omtp.sync import Event, Sync, render_sync
from vvm.omtp.system import SystemSms, parse_system_sms, render_system_sms

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001 - the strategy adds the zone
PREFIXES = st.text(
    st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=30
).filter(lambda text: not set(text) & set(":;=`"))
KEYS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=";"))
NAMES = st.from_regex(r"[A-Za-z0-9@._+-]{1,50}", fullmatch=True)

SYNCS = st.builds(
    Sync,
    event=st.just(Event.NEW_MESSAGE),
    uid=st.integers(1, 2**32 - 1),
    count=st.integers(0, 99999),
    kind=st.sampled_from([Kind.VOICE, Kind.VIDEO, Kind.FAX]),
    sender=st.none() | st.text(),
    received_at=MOMENTS,
    seconds=st.integers(1, 10**6),
)
REPLIES = st.builds(
    StatusReply,
    status=st.sampled_from(
        [ProvisioningStatus.NEW, ProvisioningStatus.READY, ProvisioningStatus.PROVISIONED]
    ),
    return_code=st.just(ReturnCode.SUCCESS),
    server=st.from_regex(r"[a-z0-9.-]{1,100}", fullmatch=True),
    tui=st.none() | st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    service_number=st.none() | st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    imap_port=st.integers(1, 65535),
    user=NAMES,
    password=st.from_regex(r"[A-Za-z0-9]{1,30}", fullmatch=True).map(Secret),
    languages=st.sampled_from([("eng",), ("eng", "fre"), ("1", "2", "3", "4")]),
    greeting_seconds=st.none() | st.integers(0, 999),
    signature_seconds=st.none() | st.integers(0, 999),
    pin_length=st.tuples(st.integers(0, 99), st.integers(0, 99)),
)


# rows: SMS-01 SMS-03 SMS-04
@given(PREFIXES, st.dictionaries(KEYS, VALUES))
def test_aosp_reads_back_every_text_that_we_write(prefix: str, fields: dict[str, str]) -> None:
    sms = SystemSms("SYNC", fields)
    assert parse_system_sms(render_system_sms(sms, prefix), prefix) == sms


# rows: SY-01 SY-02 SY-04 SY-06 SY-07 SY-08 SMS-04
@given(SYNCS)
def test_a_sync_gives_its_facts_back(sync: Sync) -> None:
    sms = parse_system_sms(render_sync(sync, "//VVM"), "//VVM")
    assert sms is not None
    assert sync.received_at is not None
    told = dict(sms.fields)
    moment = datetime.strptime(told["dt"], "%d/%m/%Y %H:%M %z")
    assert moment == sync.received_at.replace(second=0, microsecond=0)
    assert (int(told["id"]), int(told["c"]), int(told["l"])) == (sync.uid, sync.count, sync.seconds)
    assert list(told) == ["ev", "id", "c", "t", *(["s"] if "s" in told else []), "dt", "l"]
    assert told.get("s") != ""


# rows: ST-04 ST-05 ST-07 ST-08 ST-10 ST-11 ST-12 ST-13
@given(REPLIES)
def test_a_status_gives_its_facts_back(reply: StatusReply) -> None:
    sms = parse_system_sms(render_status(reply, "//VVM"), "//VVM")
    assert sms is not None
    assert reply.password is not None
    assert sms.fields["srv"] == reply.server
    assert int(sms.fields["ipt"]) == reply.imap_port
    assert sms.fields["u"] == reply.user
    assert sms.fields["pw"] == reply.password.reveal()
    assert tuple(sms.fields["lang"].split("|")) == reply.languages
    assert tuple(map(int, sms.fields["pw_len"].split("-"))) == reply.pin_length
    assert sms.fields.get("tui") == reply.tui
    assert sms.fields.get("dn") == reply.service_number


# rows: MO-16
@given(st.text() | st.from_regex(r"(?i)(activate|deactivate|status|state|get)[:?][ -~\x00\r\n]*"))
@settings(max_examples=200)
def test_any_text_is_one_of_the_requests(text: str) -> None:
    request = parse_client_sms(text)
    assert isinstance(request, ClientRequest | UnknownRequest)
    if isinstance(request, Activate):
        assert request.protocol_version is None or 10 <= request.protocol_version <= 99
        assert request.port is None or 0 <= request.port <= 65535
        assert len(request.client_type) <= 30


# rows: MO-02 SMS-01 SMS-02
@given(PREFIXES)
def test_a_prefix_that_a_client_chose_works_on_the_way_back(prefix: str) -> None:
    request = parse_client_sms(f"Activate:pv=12;ct=X;pt=5499;{prefix}")
    assert isinstance(request, Activate)
    assert request.prefix == prefix
    sync = Sync(event=Event.MAILBOX_UPDATE, count=1)
    assert parse_system_sms(render_sync(sync, request.prefix), prefix) is not None


@given(st.text(), st.text())
def test_reading_a_system_sms_never_fails(text: str, prefix: str) -> None:
    sms = parse_system_sms(text, prefix)
    assert sms is None or text.startswith(f"{prefix}:{sms.event}:")


# rows: MSG-02 SY-06
@given(st.none() | st.text(), MOMENTS)
def test_sync_and_message_name_the_same_caller(caller: str | None, moment: datetime) -> None:
    message = VoiceMessage(
        audio=b"#!AMR\n",
        seconds=1,
        caller=caller,
        recipient="+15551230002",
        domain="vvm.example.net",
        received_at=moment,
        message_id="a",
    )
    from_ = compose(message).octets.split(b"\r\n")[1].decode()
    sync = Sync(
        event=Event.NEW_MESSAGE,
        uid=1,
        count=1,
        kind=Kind.VOICE,
        sender=caller,
        received_at=moment,
        seconds=1,
    )
    sms = parse_system_sms(render_sync(sync, "//VVM"), "//VVM")
    assert sms is not None
    sender = sms.fields.get("s")
    expected = "anonymous@invalid" if sender is None else f"{sender}@vvm.example.net"
    assert from_ == f"From: {expected}"
