# SPDX-License-Identifier: Apache-2.0
"""Timeline, dead letters and rotation over real sockets, on the reference store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, CALL, TWO_SECONDS, World
from vvm.services.paging import cursor_of

ALICE_PATH = f"/v1/subscribers/{ALICE}"
DEAD = "/v1/notifications/dead"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def dead_letter(world: World) -> int:
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (notice,) = await world.notification.lease(1)
    await world.notification.failed(notice.row, smpp_status=0x0B)
    return notice.row.id


async def test_a_dead_letter_is_listed_and_sent_again_once(http: Api, world: World) -> None:
    number = await dead_letter(world)
    page = (await http.call("GET", f"{DEAD}?limit=1")).json
    (letter,) = page["notifications"]
    assert (letter["id"], letter["recipient"], letter["state"], letter["smpp_status"]) == (
        number,
        ALICE,
        "failed",
        0x0B,
    )
    assert page["next"] is None
    assert (await http.call("GET", f"{DEAD}?cursor={cursor_of(number)}")).json == {
        "notifications": [],
        "next": None,
    }
    assert (await http.call("POST", f"/v1/notifications/{number}/resend")).status == 204
    assert len(await world.texts()) == 1
    again = await http.call("POST", f"/v1/notifications/{number}/resend")
    assert again.problem == (404, "no_dead_letter")


async def test_a_timeline_shows_what_happened_and_no_text(http: Api, world: World) -> None:
    await dead_letter(world)
    answer = await http.call("GET", f"{ALICE_PATH}/timeline")
    entries = answer.json["entries"]
    assert isinstance(entries, list)
    assert {(entry["event"], entry["what"], entry["outcome"]) for entry in entries} == {
        ("transition", "created", "P"),
        ("transition", "operator", "R"),
        ("owed", "new_message", None),
        ("closed", "new_message", "failed"),
    }
    assert "SYNC" not in answer.text
    assert len((await http.call("GET", f"{ALICE_PATH}/timeline?limit=1")).json["entries"]) == 1
    nobody = await http.call("GET", f"/v1/subscribers/{BOB}/timeline")
    assert nobody.json == {"entries": []}


async def test_a_password_is_rotated_and_not_told(http: Api, world: World) -> None:
    await world.subscriber()
    before = await world.current()
    answer = await http.call("POST", f"{ALICE_PATH}/password")
    after = await world.current()
    assert answer.status == 200
    assert before.password_check != after.password_check
    assert world.keyring.open(after.imap_user, after.password_sealed).reveal() not in answer.text
    assert len(await world.texts()) == 1


@pytest.mark.parametrize(
    ("method", "path", "problem"),
    [
        ("POST", f"/v1/subscribers/{BOB}/password", (404, "unknown_subscriber")),
        ("POST", "/v1/notifications/999/resend", (404, "no_dead_letter")),
        ("GET", f"{DEAD}?limit=0", (400, "bad_request")),
        ("GET", f"{DEAD}?colour=red", (400, "bad_request")),
        ("GET", f"{ALICE_PATH}/timeline?limit=1001", (400, "bad_request")),
        ("GET", "/v1/subscribers/x/timeline", (400, "invalid_number")),
    ],
)
async def test_what_makes_no_sense_is_refused(
    http: Api, method: str, path: str, problem: tuple[int, str]
) -> None:
    assert (await http.call(method, path)).problem == problem


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", DEAD),
        ("POST", "/v1/notifications/1/resend"),
        ("GET", f"{ALICE_PATH}/timeline"),
        ("POST", f"{ALICE_PATH}/password"),
    ],
)
async def test_nobody_gets_in_without_the_token(http: Api, method: str, path: str) -> None:
    assert (await http.call(method, path, token=None)).problem == (401, "unauthorized")
