# SPDX-License-Identifier: Apache-2.0
"""The event feed and webhooks over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.http_api import TOKEN, Api, api
from tests.unit.services_world import ALICE, CALL, TWO_SECONDS, World
from vvm.fronts.http.settings import HttpSettings

EVENTS, HOOKS = "/v1/events", "/v1/webhooks"
URL = "https://crm.example.net/vvm?key=of-theirs"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world, HttpSettings(max_streams=1)) as running:
        yield running


async def stream(http: Api, *, last: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An open stream, behind the header of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
    resume = f"Last-Event-ID: {last}\r\n" if last else ""
    writer.write(
        f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Accept: text/event-stream\r\n{resume}\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def cursors(reader: asyncio.StreamReader, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        line = await reader.readline()
        if line.startswith(b"id: "):
            found.append(line[4:].decode().strip())
    return found


async def test_the_feed_is_read_in_pages(http: Api, world: World) -> None:
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    first = (await http.call("GET", f"{EVENTS}?limit=1")).json
    (created,) = first["events"]
    assert (created["kind"], created["msisdn"]) == ("subscriber.created", ALICE)
    rest = (await http.call("GET", f"{EVENTS}?cursor={first['next']}&kinds=message.deposited")).json
    (deposited,) = rest["events"]
    assert (deposited["uid"], deposited["folder"], deposited["seconds"]) == (1, "INBOX", 2)
    assert rest["next"] == deposited["cursor"]
    nothing = (await http.call("GET", f"{EVENTS}?cursor={rest['next']}")).json
    assert nothing == {"events": [], "next": rest["next"]}


async def test_the_feed_is_read_of_a_time(http: Api, world: World) -> None:
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    everything = (await http.call("GET", EVENTS)).json["events"]
    first, last = everything[0]["at"], everything[-1]["at"]
    later = (await http.call("GET", f"{EVENTS}?since={last}")).json["events"]
    earlier = (await http.call("GET", f"{EVENTS}?until={last}&since={first}")).json["events"]
    assert [*earlier, *later] == everything
    assert later
    assert (await http.call("GET", f"{EVENTS}?until={first}")).json == {"events": [], "next": ""}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("since=yesterday", (400, "bad_request")),
        ("kinds=message.eaten", (400, "unknown_event_kind")),
        ("cursor=never", (422, "bad_cursor")),
        ("cursor=777777777", (422, "bad_cursor")),
        ("limit=0", (400, "bad_request")),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    http: Api, query: str, problem: tuple[int, str]
) -> None:
    assert (await http.call("GET", f"{EVENTS}?{query}")).problem == problem


async def test_a_stream_brings_what_was_and_then_what_comes(http: Api, world: World) -> None:
    await world.subscriber()
    reader, writer = await stream(http)
    (created,) = await cursors(reader, 1)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    later = await cursors(reader, 1)
    writer.close()
    assert (await http.call("GET", f"{EVENTS}?cursor={created}&limit=1")).json["next"] == later[0]


async def test_a_stream_goes_on_behind_the_last_event_that_was_seen(http: Api, world: World) -> None:
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (first, *rest) = (await http.call("GET", EVENTS)).json["events"]
    reader, writer = await stream(http, last=first["cursor"])
    assert await cursors(reader, 1) == [rest[0]["cursor"]]
    writer.close()


async def test_there_are_only_so_many_streams(http: Api, world: World) -> None:
    await world.subscriber()
    reader, writer = await stream(http)
    await cursors(reader, 1)
    more = await http.call("GET", EVENTS, headers={"Accept": "text/event-stream"})
    assert more.problem == (503, "unavailable")
    writer.close()


async def test_a_webhook_tells_its_secret_once_and_never_its_query(http: Api) -> None:
    made = await http.call("POST", HOOKS, json={"url": URL, "kinds": ["message.deposited"]})
    assert made.status == 201
    assert str(made.json["secret"]).startswith("whsec_")
    assert made.headers["Location"] == f"{HOOKS}/{made.json['id']}"
    (listed,) = (await http.call("GET", HOOKS)).json["webhooks"]
    assert "secret" not in listed
    assert listed["url"] == "https://crm.example.net/vvm"
    rotated = await http.call("POST", f"{HOOKS}/{made.json['id']}/secret")
    assert rotated.json["secret"] != made.json["secret"]


async def test_a_webhook_is_changed_replayed_and_removed(http: Api, world: World) -> None:
    await world.subscriber()
    one = f"{HOOKS}/{(await http.call('POST', HOOKS, json={'url': URL})).json['id']}"
    changed = (await http.call("PATCH", one, json={"paused": True, "kinds": ["message.flags"]})).json
    assert (changed["paused"], changed["kinds"]) == (True, ["message.flags"])
    assert (await http.call("POST", f"{one}/replay", json={"cursor": ""})).json["cursor"] == ""
    assert (await http.call("GET", f"{one}/dead")).json == {"events": [], "next": None}
    assert (await http.call("POST", f"{one}/dead/7/resend")).problem == (404, "unknown_dead_event")
    assert (await http.call("DELETE", one)).status == 204
    assert (await http.call("DELETE", one)).problem == (404, "unknown_webhook")


async def test_a_bad_webhook_is_refused_without_repeating_it(http: Api) -> None:
    answer = await http.call("POST", HOOKS, json={"url": "http://user:hidden@example.net/"})
    assert answer.problem == (422, "bad_webhook")
    assert "hidden" not in answer.text


async def test_a_cursor_beyond_the_newest_event_is_refused_and_not_waited_behind(http: Api) -> None:
    """A webhook or a stream that began there would be deaf without a word."""
    beyond = {"url": URL, "cursor": "777777777"}
    assert (await http.call("POST", HOOKS, json=beyond)).problem == (422, "bad_cursor")
    one = f"{HOOKS}/{(await http.call('POST', HOOKS, json={'url': URL})).json['id']}"
    replay = await http.call("POST", f"{one}/replay", json={"cursor": "777777777"})
    assert replay.problem == (422, "bad_cursor")
    for headers in ({"Accept": "text/event-stream"}, {"Last-Event-ID": "777777777"}):
        answer = await http.call("GET", f"{EVENTS}?cursor=777777777", headers=headers)
        assert answer.problem == (422, "bad_cursor")


async def test_a_stop_waits_for_no_stream(world: World) -> None:
    await world.subscriber()
    async with api(world, HttpSettings(drain_seconds=3600)) as http:
        reader, writer = await stream(http)
        await cursors(reader, 1)
    await reader.read()
    writer.close()
