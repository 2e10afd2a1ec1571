# SPDX-License-Identifier: Apache-2.0
"""/v1/subscribers/{msisdn}/messages: deposits and looking, with the real transcoder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.unit.audio_samples import wav
from tests.unit.http_api import Answer, Api, api
from tests.unit.services_world import ALICE, CALLER, TWO_SECONDS, World
from vvm.domain.errors import Outage
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ProvisioningStatus
from vvm.message.audio.transcode import Voice
from vvm.services.provisioning import SubscriberOptions

MESSAGES = f"/v1/subscribers/{ALICE}/messages"


class MessageDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer as it is promised in docs/http.md."""

    uid: int
    kind: str
    seen: bool
    caller: str | None
    received_at: str
    seconds: int
    size: int


class PageDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    messages: list[MessageDocument]
    next: str | None


def page(answer: Answer) -> PageDocument:
    return msgspec.json.decode(answer.text, type=PageDocument)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber(ProvisioningStatus.READY)
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def test_a_deposit_is_answered_with_its_uid_its_length_and_its_place(http: Api) -> None:
    answer = await http.call("POST", f"{MESSAGES}?from={CALLER}", data=TWO_SECONDS)
    assert answer.status == 201
    assert answer.json == {"uid": 1, "seconds": 2}
    assert answer.headers["Location"] == f"{MESSAGES}/1"
    assert (await http.call("GET", answer.headers["Location"])).status == 200


async def test_a_deposit_to_an_active_subscriber_owes_a_sync(http: Api, world: World) -> None:
    await http.call("POST", MESSAGES, data=TWO_SECONDS)
    assert [(row.cause, row.uid) for row in await world.owed()] == [(Cause.NEW_MESSAGE, 1)]


async def test_the_message_is_told_as_it_was_deposited(http: Api, world: World) -> None:
    query = f"from={CALLER}&received_at=2026-03-01T13:30:00%2B02:00"
    await http.call("POST", f"{MESSAGES}?{query}", data=TWO_SECONDS)
    octets = await world.store.mailboxes.octets((await world.current()).mailbox, INBOX, 1)
    assert octets is not None
    told = page(await http.call("GET", MESSAGES)).messages
    assert told == [
        MessageDocument(
            uid=1,
            kind="voice",
            seen=False,
            caller=CALLER,
            received_at="2026-03-01T13:30:00+02:00",
            seconds=2,
            size=len(octets),
        )
    ]


async def test_plus_signs_need_no_percent_encoding(http: Api) -> None:
    query = "from=+33698765432&received_at=2026-03-01T12:30:00+02:00"
    await http.call("POST", f"{MESSAGES}?{query}", data=TWO_SECONDS)
    (told,) = page(await http.call("GET", MESSAGES)).messages
    assert (told.caller, told.received_at) == ("+33698765432", "2026-03-01T12:30:00+02:00")


@pytest.mark.parametrize("query", ["", "?from="])
async def test_no_caller_is_a_restricted_number(http: Api, query: str) -> None:
    await http.call("POST", MESSAGES + query, data=TWO_SECONDS)
    assert page(await http.call("GET", MESSAGES)).messages[0].caller is None


async def test_without_a_time_it_is_now(http: Api) -> None:
    await http.call("POST", MESSAGES, data=TWO_SECONDS)
    assert page(await http.call("GET", MESSAGES)).messages[0].received_at == "2026-03-01T12:00:00Z"


async def test_the_same_key_makes_one_message(http: Api) -> None:
    key = {"Idempotency-Key": "call-17"}
    first = await http.call("POST", MESSAGES, data=TWO_SECONDS, headers=key)
    again = await http.call("POST", MESSAGES, data=TWO_SECONDS, headers=key)
    assert (first.status, again.status) == (201, 200)
    assert again.json["uid"] == first.json["uid"]
    assert again.headers["Location"] == first.headers["Location"]
    assert len(page(await http.call("GET", MESSAGES)).messages) == 1


async def test_without_a_key_every_deposit_is_a_message(http: Api) -> None:
    for _ in range(2):
        assert (await http.call("POST", MESSAGES, data=TWO_SECONDS)).status == 201
    assert [one.uid for one in page(await http.call("GET", MESSAGES)).messages] == [1, 2]


async def test_looking_does_not_mark_as_heard(http: Api, world: World) -> None:
    await http.call("POST", MESSAGES, data=TWO_SECONDS)
    await http.call("GET", MESSAGES)
    await http.call("GET", f"{MESSAGES}/1")
    (state,) = await world.store.mailboxes.states((await world.current()).mailbox, INBOX)
    assert state.flags == Flags(0)


async def test_what_a_client_has_played_is_told_as_seen(http: Api, world: World) -> None:
    await http.call("POST", MESSAGES, data=TWO_SECONDS)
    mailbox = (await world.current()).mailbox
    await world.retrieval.mark(mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    assert (await http.call("GET", f"{MESSAGES}/1")).json["seen"] is True


async def test_messages_come_in_pages(http: Api) -> None:
    for _ in range(3):
        await http.call("POST", MESSAGES, data=TWO_SECONDS)
    first = page(await http.call("GET", f"{MESSAGES}?limit=2"))
    assert ([one.uid for one in first.messages], first.next is None) == ([1, 2], False)
    rest = page(await http.call("GET", f"{MESSAGES}?limit=2&cursor={first.next}"))
    assert ([one.uid for one in rest.messages], rest.next) == ([3], None)


async def test_content_type_does_not_matter(http: Api) -> None:
    headers = {"Content-Type": "text/html; charset=klingon"}
    assert (await http.call("POST", MESSAGES, data=TWO_SECONDS, headers=headers)).status == 201


@pytest.mark.parametrize("path", [f"{MESSAGES}/1", f"{MESSAGES}/4294967295", f"{MESSAGES}/0"])
async def test_an_unknown_message_is_not_found(http: Api, path: str) -> None:
    assert (await http.call("GET", path)).problem == (404, "unknown_message")


@pytest.mark.parametrize("uid", ["-1", "one", "99999999999"])
async def test_what_is_no_uid_is_no_path(http: Api, uid: str) -> None:
    assert (await http.call("GET", f"{MESSAGES}/{uid}")).problem == (404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", ""), ("GET", "/1")])
async def test_an_unknown_subscriber_is_not_found(http: Api, method: str, path: str) -> None:
    answer = await http.call(method, f"/v1/subscribers/+33600000000/messages{path}", data=TWO_SECONDS)
    assert answer.problem == (404, "unknown_subscriber")


@pytest.mark.parametrize("body", [b"", b"RIFF\x00\x00\x00\x00WAVE", b"not audio at all" * 99, b"#!AMR\n"])
async def test_what_is_no_audio_is_refused(http: Api, body: bytes) -> None:
    assert (await http.call("POST", MESSAGES, data=body)).problem == (422, "bad_audio")
    assert page(await http.call("GET", MESSAGES)).messages == []


@pytest.mark.parametrize("audio", [wav(seconds=0.5), wav(seconds=2, amplitude=0)])
async def test_too_short_and_silence_are_no_messages(http: Api, audio: bytes) -> None:
    assert (await http.call("POST", MESSAGES, data=audio)).problem == (422, "message_too_short")


async def test_a_full_mailbox_is_a_conflict_and_says_how_full() -> None:
    world = World()
    await world.subscriber(options=SubscriberOptions(max_messages=1))
    async with api(world) as http:
        await http.call("POST", MESSAGES, data=TWO_SECONDS)
        answer = await http.call("POST", MESSAGES, data=TWO_SECONDS)
    assert answer.problem == (409, "over_quota")
    assert answer.json["detail"] == "mailbox holds 1 of 1 messages"


@pytest.mark.parametrize("caller", ["alice", "+", "+33698765432\r\nX: y", "1" * 21, "+33 6"])
async def test_a_caller_that_is_no_number_is_refused(http: Api, caller: str) -> None:
    encoded = caller.replace("\r", "%0D").replace("\n", "%0A").replace("+", "%2B").replace(" ", "%20")
    answer = await http.call("POST", f"{MESSAGES}?from={encoded}", data=TWO_SECONDS)
    assert answer.problem == (400, "invalid_number")


@pytest.mark.parametrize(
    ("moment", "problem"),
    [
        ("", (400, "bad_request")),
        ("yesterday", (400, "bad_request")),
        ("2026-03-01", (400, "bad_request")),
        ("2026-03-01T12:00:00", (400, "bad_request")),
        ("1999-12-31T23:59:59Z", (422, "bad_time")),
        ("0001-01-01T00:00:00%2B14:00", (422, "bad_time")),
        ("9999-12-31T23:59:59-14:00", (422, "bad_time")),
        ("2026-03-03T12:00:00Z", (422, "bad_time")),
    ],
)
async def test_a_time_that_makes_no_sense_is_refused(
    http: Api, moment: str, problem: tuple[int, str]
) -> None:
    answer = await http.call("POST", f"{MESSAGES}?received_at={moment}", data=TWO_SECONDS)
    assert answer.problem == problem
    assert "received_at" in str(answer.json["detail"])


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "ключ"])
async def test_a_key_that_cannot_be_kept_is_refused(http: Api, key: str) -> None:
    answer = await http.call("POST", MESSAGES, data=TWO_SECONDS, headers={"Idempotency-Key": key})
    assert answer.problem == (400, "bad_request")
    assert "Idempotency-Key" in str(answer.json["detail"])


async def test_an_outage_says_when_to_come_again_and_nothing_of_itself() -> None:
    async def transcoder_is_away(audio: bytes) -> Voice:
        raise Outage("pool on host 10.1.2.3 is gone")

    world = World(transcoder=transcoder_is_away)
    await world.subscriber()
    async with api(world) as http:
        answer = await http.call("POST", MESSAGES, data=TWO_SECONDS)
    assert answer.problem == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "10.1.2.3" not in answer.text


async def test_a_bug_costs_one_request_and_shows_nothing_of_itself() -> None:
    async def transcoder_with_a_bug(audio: bytes) -> Voice:
        raise ZeroDivisionError("secret of the inside")

    world = World(transcoder=transcoder_with_a_bug)
    await world.subscriber()
    async with api(world) as http:
        answer = await http.call("POST", MESSAGES, data=TWO_SECONDS)
        after = await http.call("GET", MESSAGES)
    assert answer.problem == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert after.status == 200
