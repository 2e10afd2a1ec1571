# SPDX-License-Identifier: Apache-2.0
"""Lists of the API: each filter asks for what it says, a page leads to the next, and nonsense is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, CALL, CALLER, NOW, TWO_SECONDS, World
from vvm.domain.access import Role
from vvm.domain.cos import Limits
from vvm.domain.message import INBOX, Envelope
from vvm.domain.provisioning import Trigger
from vvm.services.paging import cursor_of
from vvm.services.provisioning import SubscriberOptions

HOUR = timedelta(hours=1)
LATER = (NOW + HOUR).isoformat().replace("+", "%2B")
ONE = f"/v1/subscribers/{ALICE}"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    await world.classes.put("gold", Limits())
    async with api(world) as running:
        yield running


def numbers(document: Mapping[str, object]) -> list[str]:
    return [one["msisdn"] for one in document["subscribers"]]  # type: ignore[index,attr-defined]  # JSON


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [ALICE, BOB]),
        ("status=B", [BOB]),
        ("status=P&language=eng", [ALICE]),
        ("cos=gold", [BOB]),
        ("cos=", [ALICE]),
        ("client_type=vvm.x", [BOB]),
        ("client_type=", [ALICE]),
        ("language=fra", []),
        (f"prefix={BOB[:6]}", [BOB]),
        (f"prefix=%2B{BOB[1:]}", [BOB]),
        (f"changed_since={LATER}", [BOB]),
    ],
)
async def test_subscribers_are_listed_by_what_is_asked(
    http: Api, world: World, query: str, found: list[str]
) -> None:
    await http.call("PUT", ONE)
    world.clock.advance(HOUR)
    body = {"blocked": True, "cos": "gold", "client": {"client_type": "vvm.x"}}
    await http.call("PUT", f"/v1/subscribers/{BOB}", json=body)
    answer = await http.call("GET", f"/v1/subscribers?{query}")
    assert sorted(numbers(answer.json)) == sorted(found)


async def test_pages_of_a_filtered_list_join_without_a_gap(http: Api) -> None:
    for digit in range(5):
        await http.call("PUT", f"/v1/subscribers/+3360000000{digit}", json={"blocked": digit != 2})
    found, query = [], "status=B&limit=2"
    while query:
        page = (await http.call("GET", f"/v1/subscribers?{query}")).json
        found += numbers(page)
        query = f"status=B&limit=2&cursor={page['next']}" if page["next"] else ""
    assert [number[-1] for number in found] == ["0", "1", "3", "4"]


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ("", [1, 2]),
        ("seen=true", [1]),
        ("seen=false", [2]),
        ("caller=", [2]),
        (f"caller={CALLER}", [1]),
        (f"since={LATER}", [2]),
        ("folder=Archive", []),
        ("folder=Work", [1]),
    ],
)
async def test_messages_are_listed_by_what_is_asked(
    http: Api, world: World, query: str, uids: list[int]
) -> None:
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.deposit(ALICE, TWO_SECONDS, Envelope(caller=None, received_at=NOW + 2 * HOUR))
    await world.desk.mark(ALICE, 1, seen=True)
    await world.store.folders.create(alice.mailbox, "Work", at=NOW, most=9)
    await world.store.folders.copy(alice.mailbox, INBOX, [2], "Work")
    page = (await http.call("GET", f"{ONE}/messages?{query}")).json
    assert [one["uid"] for one in page["messages"]] == uids
    assert page["next"] is None


async def test_a_message_of_another_folder_is_shown_marked_heard_and_deleted(http: Api, world: World) -> None:
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.store.folders.create(alice.mailbox, "Work", at=NOW, most=9)
    await world.store.folders.move(alice.mailbox, INBOX, [1], "Work")
    there = f"{ONE}/messages/1?folder=Work"
    assert (await http.call("GET", f"{ONE}/messages/1")).problem == (404, "unknown_message")
    assert (await http.call("PATCH", there, json={"seen": True})).json["seen"] is True
    assert (await http.call("GET", there)).json["seen"] is True
    assert (await http.call("GET", f"{ONE}/messages/1/audio?folder=Work&format=wav")).status == 200
    assert (await http.call("DELETE", there)).status == 204
    assert (await http.call("GET", there)).problem == (404, "unknown_message")


async def test_the_audit_names_the_token_and_is_found_by_it(http: Api, world: World) -> None:
    crm = (await world.tokens.create("crm", Role.PROVISIONING))[1].reveal()
    await http.call("PUT", ONE, token=crm)
    world.clock.advance(HOUR)
    await http.call("PATCH", ONE, json={"blocked": True})
    await world.provisioning.create(BOB, SubscriberOptions())
    everything = (await http.call("GET", "/v1/audit")).json["entries"]
    assert [(one["msisdn"], one["trigger"], one["actor"]) for one in everything] == [
        (BOB, Trigger.CREATED, ""),
        (ALICE, Trigger.BLOCKED, "api:admin.token"),
        (ALICE, Trigger.CREATED, "api:crm"),
    ]
    for query, count in (
        ("actor=api:crm", 1),
        ("actor=", 1),
        ("trigger=blocked", 1),
        (f"msisdn={ALICE}", 2),
        (f"since={LATER}", 2),
        (f"until={LATER}", 1),
        ("limit=2", 2),
    ):
        assert len((await http.call("GET", f"/v1/audit?{query}")).json["entries"]) == count, query
    first = (await http.call("GET", f"{ONE}/audit?limit=1")).json
    second = (await http.call("GET", f"{ONE}/audit?limit=1&cursor={first['next']}")).json
    assert [one["trigger"] for one in first["entries"] + second["entries"]] == ["blocked", "created"]
    assert second["next"] is None


async def test_dead_letters_are_listed_by_what_is_asked(http: Api, world: World) -> None:
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (notice,) = await world.notification.lease(1)
    await world.notification.failed(notice.row, smpp_status=0x0B)
    for query, count in (
        ("cause=new_message", 1),
        ("cause=status", 0),
        (f"msisdn={ALICE}", 1),
        (f"msisdn={BOB}", 0),
        (f"since={LATER}", 0),
    ):
        page = (await http.call("GET", f"/v1/notifications/dead?{query}")).json
        assert len(page["notifications"]) == count, query


@pytest.mark.parametrize(
    "query",
    [
        "/v1/subscribers?status=X",
        "/v1/subscribers?prefix=33",
        "/v1/subscribers?prefix=%2B33x",
        "/v1/subscribers?changed_since=yesterday",
        "/v1/subscribers?changed_since=2026-01-01T00:00:00",
        "/v1/subscribers?language=a%00b",
        f"/v1/subscribers?cos={'x' * 41}",
        "/v1/audit?trigger=whatever",
        "/v1/audit?since=1",
        "/v1/notifications/dead?cause=boredom",
        f"{ONE}/messages?seen=1",
        f"{ONE}/messages?folder=%0A",
    ],
)
async def test_a_filter_that_nobody_understands_is_refused(http: Api, query: str) -> None:
    assert (await http.call("GET", query)).problem == (400, "bad_request")


@pytest.mark.parametrize("path", ["/v1/subscribers", "/v1/audit", "/v1/cos", "/v1/notifications/dead"])
@pytest.mark.parametrize("place", ["a b", -1, ["+33", "2026-01-01T00:00:00"], ["x", 1], 2**64, {}])
async def test_a_cursor_that_nobody_gave_out_is_refused(http: Api, path: str, place: object) -> None:
    answer = await http.call("GET", f"{path}?cursor={cursor_of(place)}")
    assert answer.problem == (422, "bad_cursor")
