# SPDX-License-Identifier: Apache-2.0
"""What an operator does in place of a subscriber: listen, mark, delete, greet, activate, tell again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, CALL, TWO_SECONDS, World
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus
from vvm.message.audio.decode import decode
from vvm.message.audio.voice import AudioLimits
from vvm.message.reader import ReadLimits, read_message
from vvm.services.filing import layout_of
from vvm.store.port import NewMessage

ONE = f"/v1/subscribers/{ALICE}"
MESSAGE = f"{ONE}/messages/1"
GREETING = f"{ONE}/greetings"
STARTS = {"audio/amr": b"#!AMR\n", "audio/wav": b"RIFF", "audio/ogg": b"OggS", "audio/mpeg": b"ID3"}
TWO_SECONDS_PCM = 2 * 8000 * 2


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber(ProvisioningStatus.READY)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


@pytest.mark.parametrize(
    ("query", "accept", "type_"),
    [
        ("", "", "audio/amr"),
        ("", "audio/*", "audio/amr"),
        ("?format=wav", "audio/amr", "audio/wav"),
        ("", "audio/mpeg;q=0.5, audio/ogg;q=0.9, text/html", "audio/ogg"),
        ("", "audio/amr;q=0, audio/x-wav", "audio/wav"),
        ("?format=mp3", "*/*", "audio/mpeg"),
    ],
)
async def test_a_message_is_heard_in_the_form_that_was_asked_for(
    http: Api, world: World, query: str, accept: str, type_: str
) -> None:
    answer = await http.call("GET", f"{MESSAGE}/audio{query}", headers={"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, type_)
    assert answer.body.startswith(STARTS[type_])
    assert len(decode(answer.body, AudioLimits(max_seconds=10))) == TWO_SECONDS_PCM
    states = await world.store.mailboxes.states((await world.current()).mailbox, INBOX)
    assert [Flags.SEEN in state.flags for state in states] == [False]


async def test_a_form_that_nobody_has_is_refused(http: Api) -> None:
    answer = await http.call("GET", f"{MESSAGE}/audio", headers={"Accept": "text/html"})
    assert answer.problem == (406, "not_acceptable")
    assert (await http.call("GET", f"{MESSAGE}/audio?format=flac")).problem == (400, "bad_request")
    assert (await http.call("GET", f"{ONE}/messages/7/audio")).problem == (404, "unknown_message")


async def test_a_message_without_sound_has_no_audio(http: Api, world: World) -> None:
    mailbox = (await world.current()).mailbox
    octets = b"Subject: hello\r\n\r\ntext"
    mail = NewMessage(
        kind=Kind.MAIL,
        caller=None,
        received_at=world.clock.now(),
        seconds=0,
        octets=octets,
        layout=layout_of(read_message(octets, ReadLimits())),
    )
    stored = await world.store.mailboxes.append(mailbox, INBOX, mail)
    answer = await http.call("GET", f"{ONE}/messages/{stored.uid}/audio")
    assert answer.problem == (404, "no_sound")


async def test_a_message_is_marked_and_its_client_told_once(http: Api, world: World) -> None:
    assert (await http.call("PATCH", MESSAGE, json={"seen": True})).json["seen"] is True
    (text,) = await world.texts()
    assert "ev=MBU" in text
    assert (await http.call("PATCH", MESSAGE, json={"seen": True})).json["seen"] is True
    assert await world.texts() == []
    assert (await http.call("PATCH", MESSAGE, json={"seen": False})).json["seen"] is False
    assert (await http.call("PATCH", MESSAGE, json={})).problem == (400, "bad_request")
    assert (await http.call("PATCH", f"{ONE}/messages/7", json={"seen": True})).status == 404


async def test_a_message_is_deleted_and_its_client_told(http: Api, world: World) -> None:
    assert (await http.call("DELETE", MESSAGE)).status == 204
    assert [row.cause for row in await world.owed()] == [Cause.MAILBOX_UPDATE]
    assert (await http.call("DELETE", MESSAGE)).problem == (404, "unknown_message")
    assert (await http.call("GET", MESSAGE)).status == 404


async def test_a_greeting_is_kept_heard_exchanged_and_removed(http: Api, world: World) -> None:
    answer = await http.call("POST", GREETING, data=TWO_SECONDS)
    assert answer.status == 201
    assert (answer.json["uid"], answer.json["kind"], answer.json["active"]) == (1, "normal-greeting", True)
    heard = await http.call("GET", f"{answer.headers['Location']}/audio?format=wav")
    assert await world.greetings.audio(ALICE) == heard.body
    other = await http.call("POST", f"{GREETING}?active=false", data=TWO_SECONDS)
    assert other.json["active"] is False
    assert (await http.call("PATCH", f"{GREETING}/2", json={"active": True})).json["active"] is True
    told = (await http.call("GET", GREETING)).json["greetings"]
    assert isinstance(told, list)
    assert [(one["uid"], one["active"]) for one in told] == [(1, False), (2, True)]
    assert (await http.call("DELETE", f"{GREETING}/2")).status == 204
    assert await world.greetings.audio(ALICE) is None
    assert (await http.call("DELETE", f"{GREETING}/2")).problem == (404, "unknown_message")


async def test_a_client_finds_what_kind_of_greeting_it_is(http: Api, world: World) -> None:
    await http.call("POST", f"{GREETING}?kind=voice-signature", data=TWO_SECONDS)
    octets = await world.store.mailboxes.octets((await world.current()).mailbox, GREETINGS, 1)
    assert octets is not None
    assert b"\r\nX-CNS-Greeting-Type: voice-signature\r\n" in octets


@pytest.mark.parametrize(
    ("query", "body", "problem"),
    [
        ("?kind=birthday", TWO_SECONDS, (400, "bad_request")),
        ("?active=perhaps", TWO_SECONDS, (400, "bad_request")),
        ("", b"no audio", (422, "bad_audio")),
    ],
)
async def test_what_cannot_be_a_greeting_is_refused(
    http: Api, query: str, body: bytes, problem: tuple[int, str]
) -> None:
    assert (await http.call("POST", f"{GREETING}{query}", data=body)).problem == problem
    assert (await http.call("GET", GREETING)).json == {"greetings": []}


async def test_an_operator_activates_and_deactivates_and_the_phone_is_told(http: Api, world: World) -> None:
    await world.subscribers_status(ProvisioningStatus.PROVISIONED)
    for _ in range(2):
        answer = await http.call("POST", f"{ONE}/activation")
        assert answer.json["status"] == "R"
        (text,) = await world.texts()
        assert "st=R" in text
    assert (await http.call("POST", f"{ONE}/deactivation")).json["status"] == "P"
    (text,) = await world.texts()
    assert "st=P" in text
    entries = (await http.call("GET", f"{ONE}/audit?limit=2")).json["entries"]
    assert isinstance(entries, list)
    assert [(one["trigger"], one["before"], one["after"]) for one in entries] == [
        (Trigger.OPERATOR, "R", "P"),
        (Trigger.OPERATOR, "P", "R"),
    ]


async def test_nobody_activates_who_is_blocked_or_unknown(http: Api, world: World) -> None:
    await world.subscribers_status(ProvisioningStatus.BLOCKED)
    for action in ("activation", "deactivation"):
        assert (await http.call("POST", f"{ONE}/{action}")).problem == (409, "invalid_transition")
        answer = await http.call("POST", f"/v1/subscribers/+33600000000/{action}")
        assert answer.problem == (404, "unknown_subscriber")
    assert await world.texts() == []


async def test_status_is_told_again_to_an_active_client_only(http: Api, world: World) -> None:
    assert (await http.call("POST", f"{ONE}/status")).json == {"told": True}
    assert [row.cause for row in await world.owed()] == [Cause.STATUS]
    await world.subscribers_status(ProvisioningStatus.PROVISIONED)
    assert (await http.call("POST", f"{ONE}/status")).json == {"told": False}


async def test_the_audit_outlives_its_subscriber(http: Api) -> None:
    await http.call("DELETE", ONE)
    entries = (await http.call("GET", f"{ONE}/audit")).json["entries"]
    assert isinstance(entries, list)
    assert entries[0]["trigger"] == "removed"


# rows: SY-13
async def test_the_phone_is_told_of_a_greeting_that_it_did_not_change_itself(http: Api, world: World) -> None:
    await http.call("POST", GREETING, data=TWO_SECONDS)
    assert await world.texts() == ["//VVM:SYNC:ev=GU;c=1"]
    await http.call("PATCH", f"{GREETING}/1", json={"active": False})
    await http.call("DELETE", f"{GREETING}/1")
    assert await world.texts() == ["//VVM:SYNC:ev=GU;c=1"]


# rows: SY-13
async def test_a_greeting_is_told_beside_a_message_and_not_in_its_place(http: Api, world: World) -> None:
    await http.call("POST", GREETING, data=TWO_SECONDS)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    news, greeting = await world.texts()
    assert ("ev=NM" in news, "ev=GU" in greeting) == (True, True)


async def test_without_an_active_client_nothing_is_said_of_greetings(http: Api, world: World) -> None:
    await http.call("POST", f"{ONE}/deactivation")
    await world.texts()
    await http.call("POST", GREETING, data=TWO_SECONDS)
    assert await world.texts() == []
