# SPDX-License-Identifier: Apache-2.0
"""If-Match and If-None-Match of a subscriber: nobody overwrites what it has not read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, World
from vvm.domain.subscriber import ProvisioningStatus

ONE = f"/v1/subscribers/{ALICE}"


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber(ProvisioningStatus.READY)
    world.clock.advance(timedelta(seconds=1))
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_of_what_was_read_is_taken_once(http: Api, method: str) -> None:
    tag = (await http.call("GET", ONE)).headers["ETag"]
    first = await http.call(method, ONE, json={"max_messages": 7}, headers={"If-Match": tag})
    assert first.status == 200
    assert first.headers["ETag"] == (await http.call("GET", ONE)).headers["ETag"] != tag
    second = await http.call(method, ONE, json={"max_messages": 8}, headers={"If-Match": tag})
    assert second.problem == (412, "precondition_failed")
    assert (await http.call("GET", ONE)).json["max_messages"] == 7


async def test_what_a_handset_did_meanwhile_counts_too(http: Api, world: World) -> None:
    tag = (await http.call("GET", ONE)).headers["ETag"]
    await world.sms_from_handset("Deactivate:pv=11;ct=x")
    answer = await http.call("PATCH", ONE, json={"max_messages": 7}, headers={"If-Match": tag})
    assert answer.problem == (412, "precondition_failed")


async def test_a_put_with_a_tag_creates_nobody(http: Api) -> None:
    answer = await http.call("PUT", f"/v1/subscribers/{BOB}", headers={"If-Match": "*"})
    assert answer.problem == (404, "unknown_subscriber")


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ('"of another server"', (412, "precondition_failed")),
        ('W/"1"', (412, "precondition_failed")),
        ('"9999999999999999"', (412, "precondition_failed")),
        ('"99999999999999999999"', (412, "precondition_failed")),
        ('"1", "2"', (412, "precondition_failed")),
        ("", (412, "precondition_failed")),
    ],
)
async def test_a_tag_that_is_none_changes_nothing(http: Api, tag: str, problem: tuple[int, str]) -> None:
    answer = await http.call("PATCH", ONE, json={"max_messages": 7}, headers={"If-Match": tag})
    assert answer.problem == problem


async def test_who_knows_it_already_gets_no_document(http: Api, world: World) -> None:
    tag = (await http.call("GET", ONE)).headers["ETag"]
    known = {"If-None-Match": f'"1", W/{tag}'}
    answer = await http.call("GET", ONE, headers=known)
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    await world.sms_from_handset("Deactivate:pv=11;ct=x")
    assert (await http.call("GET", ONE, headers=known)).status == 200
