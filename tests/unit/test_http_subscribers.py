# SPDX-License-Identifier: Apache-2.0
"""/v1/subscribers over real sockets, on the reference store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, World
from vvm.domain.subscriber import ProvisioningStatus
from vvm.omtp.carrier import read_carrier

ALICE_PATH = f"/v1/subscribers/{ALICE}"
BOB_PATH = f"/v1/subscribers/{BOB}"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def test_put_creates_and_says_where(http: Api, world: World) -> None:
    answer = await http.call("PUT", ALICE_PATH, json={"max_messages": 7})
    assert answer.status == 201
    assert answer.headers["Location"] == ALICE_PATH
    assert answer.json["status"] == "P"
    assert (await world.current()).max_messages == 7


async def test_put_without_a_body_creates_with_the_defaults(http: Api) -> None:
    answer = await http.call("PUT", ALICE_PATH)
    assert answer.status == 201
    assert answer.json["language"] == "eng"


async def test_the_same_put_again_changes_nothing(http: Api) -> None:
    await http.call("PUT", ALICE_PATH, json={"max_messages": 7})
    again = await http.call("PUT", ALICE_PATH, json={"max_messages": 7})
    assert again.status == 200
    assert again.json["max_messages"] == 7


async def test_put_of_a_known_number_changes_only_what_it_names(http: Api) -> None:
    await http.call("PUT", ALICE_PATH, json={"max_messages": 7, "setup_done": False})
    again = await http.call("PUT", ALICE_PATH, json={"max_messages": 8})
    assert (again.json["max_messages"], again.json["setup_done"]) == (8, False)


async def test_a_plus_sign_may_be_percent_encoded(http: Api) -> None:
    await http.call("PUT", ALICE_PATH)
    answer = await http.call("GET", "/v1/subscribers/%2B33612345678")
    assert answer.json["msisdn"] == ALICE


async def test_no_answer_holds_a_password(http: Api, world: World) -> None:
    answers = [
        await http.call("PUT", ALICE_PATH),
        await http.call("PATCH", ALICE_PATH, json={}),
        await http.call("GET", ALICE_PATH),
        await http.call("GET", "/v1/subscribers"),
    ]
    subscriber = await world.current()
    password = world.keyring.open(subscriber.imap_user, subscriber.password_sealed).reveal()
    for answer in answers:
        assert "password" not in answer.text
        assert password not in answer.text


async def test_patch_keeps_what_it_does_not_name(http: Api) -> None:
    await http.call("PUT", ALICE_PATH, json={"max_messages": 7})
    answer = await http.call("PATCH", ALICE_PATH, json={"setup_done": False})
    assert answer.status == 200
    assert (answer.json["max_messages"], answer.json["setup_done"]) == (7, False)


async def test_a_part_of_a_client_profile_keeps_the_other_part(http: Api) -> None:
    await http.call("PUT", ALICE_PATH, json={"client": {"prefix": "//OWN"}})
    answer = await http.call("PATCH", ALICE_PATH, json={"client": {"port": 0}})
    assert answer.json["client"] == {
        "dialect": "omtp",
        "protocol_version": 11,
        "client_type": "",
        "port": 0,
        "prefix": "//OWN",
        "coding": "8bit",
        "source": "",
        "carrier": "",
        "manners": "learned",
        "number": "",
    }


async def test_a_carrier_is_a_profile_to_start_from() -> None:
    bouygues = read_carrier('name = "bouygues"\n[client]\nsource = "22344"\nport = 5000\n')
    async with api(World(carriers={"bouygues": bouygues})) as http:
        answer = await http.call("PUT", ALICE_PATH, json={"carrier": "bouygues", "client": {"port": 0}})
        client = answer.json["client"]
        assert isinstance(client, dict)
        assert (client["carrier"], client["source"], client["port"]) == ("bouygues", "22344", 0)
        unknown = await http.call("PATCH", ALICE_PATH, json={"carrier": "nobody"})
        assert unknown.problem == (422, "unknown_carrier")


async def test_a_part_of_a_client_profile_is_completed_by_the_configured_one(http: Api) -> None:
    answer = await http.call("PUT", ALICE_PATH, json={"client": {"port": 0}})
    client = answer.json["client"]
    assert isinstance(client, dict)
    assert (client["port"], client["prefix"]) == (0, "//CARRIER")


async def test_blocking_an_active_subscriber_owes_it_a_status(http: Api, world: World) -> None:
    await world.subscriber(ProvisioningStatus.READY)
    answer = await http.call("PATCH", ALICE_PATH, json={"blocked": True})
    assert answer.json["status"] == "B"
    assert len(await world.owed()) == 1


async def test_delete_removes(http: Api) -> None:
    await http.call("PUT", ALICE_PATH)
    answer = await http.call("DELETE", ALICE_PATH)
    assert (answer.status, answer.text) == (204, "")
    assert (await http.call("GET", ALICE_PATH)).problem == (404, "unknown_subscriber")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_subscriber_is_not_found(http: Api, method: str) -> None:
    assert (await http.call(method, ALICE_PATH)).problem == (404, "unknown_subscriber")


@pytest.mark.parametrize("number", ["0612345678", "+0612345678", "+33", "alice", "+33612345678x"])
async def test_a_number_that_is_not_e164_is_refused(http: Api, number: str) -> None:
    assert (await http.call("PUT", f"/v1/subscribers/{number}")).problem == (400, "invalid_number")


async def test_pages_follow_the_order_of_numbers(http: Api) -> None:
    await http.call("PUT", BOB_PATH)
    await http.call("PUT", ALICE_PATH)
    first = await http.call("GET", "/v1/subscribers?limit=1")
    assert [one["msisdn"] for one in first.json["subscribers"]] == [ALICE]  # type: ignore[attr-defined]  # JSON
    rest = await http.call("GET", f"/v1/subscribers?limit=1&cursor={first.json['next']}")
    assert [one["msisdn"] for one in rest.json["subscribers"]] == [BOB]  # type: ignore[attr-defined]  # JSON
    assert rest.json["next"] is None


@pytest.mark.parametrize("prefix", ["", "//V:M", "//V;M", "//V=M", "//V M", "`", "x" * 31, "é"])
async def test_a_prefix_that_no_sms_can_carry_is_refused(http: Api, prefix: str) -> None:
    answer = await http.call("PUT", ALICE_PATH, json={"client": {"prefix": prefix}})
    assert answer.problem == (400, "bad_request")
    assert "client.prefix: " in answer.text


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/subscribers?limt=1", "limt"),
        ("GET", f"{ALICE_PATH}?limit=1", "limit"),
        ("PUT", f"{ALICE_PATH}?carrier=x", "carrier"),
        ("GET", f"{ALICE_PATH}/messages?befor=1", "befor"),
        ("POST", f"{ALICE_PATH}/messages?form=%2B33698765432", "form"),
        ("GET", "/v1/subscribers?limit=1&limit=2", "limit"),
    ],
)
async def test_a_query_that_would_be_passed_over_is_refused_by_name(
    http: Api, method: str, path: str, name: str
) -> None:
    answer = await http.call(method, path)
    assert answer.problem == (400, "bad_request")
    assert name in str(answer.json["detail"])


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=ten", "limit=-1", "limit=", "limit=²"])
async def test_a_limit_that_makes_no_sense_is_refused(http: Api, query: str) -> None:
    assert (await http.call("GET", f"/v1/subscribers?{query}")).problem == (400, "bad_request")


async def test_a_page_cannot_start_behind_what_is_no_number(http: Api) -> None:
    assert (await http.call("GET", "/v1/subscribers?cursor=Ym9i")).problem == (422, "bad_cursor")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"colour": "red"}', "colour"),
        (b'{"client": {"colour": "red"}}', "colour"),
        (b'{"max_messages": "7"}', "max_messages"),
        (b'{"max_messages": 0}', "max_messages"),
        (b'{"client": {"port": 32768}}', "port"),
        (b'{"client": {"coding": "morse"}}', "coding"),
        (b"[]", "object"),
        (b"{", "too early"),
        (b"[" * 60_000, "object"),
        (b'{"language": "\xff"}', "UTF-8"),
    ],
)
async def test_a_document_that_does_not_fit_is_refused_and_the_field_named(
    http: Api, body: bytes, named: str
) -> None:
    answer = await http.call("PUT", ALICE_PATH, data=body)
    assert answer.problem == (400, "bad_request")
    assert named in str(answer.json["detail"])


async def test_a_language_that_is_not_offered_is_refused(http: Api) -> None:
    answer = await http.call("PUT", ALICE_PATH, json={"language": "tlh"})
    assert answer.problem == (422, "unknown_language")


async def test_a_document_over_the_limit_is_refused(http: Api) -> None:
    answer = await http.call("PUT", ALICE_PATH, data=b" " * 70_000)
    assert answer.problem == (413, "too_large")


async def test_times_are_rfc_3339_in_utc(http: Api, world: World) -> None:
    created = await http.call("PUT", ALICE_PATH)
    world.clock.advance(timedelta(minutes=5))
    changed = await http.call("PATCH", ALICE_PATH, json={"max_messages": 3})
    assert created.json["created_at"] == "2026-03-01T12:00:00Z"
    assert changed.json["created_at"] == "2026-03-01T12:00:00Z"
    assert changed.json["changed_at"] == "2026-03-01T12:05:00Z"
