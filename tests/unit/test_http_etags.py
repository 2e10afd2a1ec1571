# SPDX-License-Identifier: Apache-2.0
"""If-Match and If-None-Match (RFC 9110 section 13): nobody overwrites what it has not read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, CALL, TWO_SECONDS, World
from vvm.domain.errors import PreconditionFailed
from vvm.domain.message import Kind
from vvm.domain.subscriber import ProvisioningStatus
from vvm.fronts.http.etags import Conditions

ONE = f"/v1/subscribers/{ALICE}"


class Thing(msgspec.Struct, frozen=True):
    """What has an ETag, and two changes of it."""

    path: str
    method: str
    first: object
    second: object


THINGS = {
    "subscriber": Thing(ONE, "PATCH", {"max_messages": 7}, {"max_messages": 8}),
    "subscriber put": Thing(ONE, "PUT", {"max_messages": 7}, {"max_messages": 8}),
    "class": Thing("/v1/cos/gold", "PUT", {"max_messages": 7}, {"max_messages": 8}),
    "message": Thing(f"{ONE}/messages/1", "PATCH", {"seen": True}, {"seen": False}),
    "greeting": Thing(f"{ONE}/greetings/1", "PATCH", {"active": False}, {"active": True}),
    "webhook": Thing("/v1/webhooks/1", "PATCH", {"paused": True}, {"paused": False}),
}
REMOVABLE = {thing.path for thing in THINGS.values()} | {f"{ONE}/devices/1"}
things = pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber(ProvisioningStatus.READY)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.greetings.record(
        ALICE, TWO_SECONDS, kind=Kind.NORMAL_GREETING, active=True, received_at=world.clock.now()
    )
    await world.devices.add(ALICE, name="Tablet")
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        await running.call("PUT", "/v1/cos/gold", json={})
        await running.call(
            "POST", "/v1/webhooks", json={"url": "https://crm.example.net/?key=of-the-endpoint"}
        )
        yield running


async def tag_of(http: Api, path: str) -> str:
    answer = await http.call("GET", path)
    assert answer.status == 200
    return answer.headers["ETag"]


@things
async def test_a_change_of_what_was_read_is_taken_once(http: Api, thing: Thing) -> None:
    tag = await tag_of(http, thing.path)
    first = await http.call(thing.method, thing.path, json=thing.first, headers={"If-Match": tag})
    assert first.status == 200
    assert first.headers["ETag"] == await tag_of(http, thing.path) != tag
    document = (await http.call("GET", thing.path)).json
    second = await http.call(thing.method, thing.path, json=thing.second, headers={"If-Match": tag})
    assert second.problem == (412, "precondition_failed")
    assert (await http.call("GET", thing.path)).json == document


@things
async def test_a_star_is_whatever_is_there(http: Api, thing: Thing) -> None:
    for body in (thing.first, thing.second):
        answer = await http.call(thing.method, thing.path, json=body, headers={"If-Match": "*"})
        assert answer.status == 200


@things
@pytest.mark.parametrize("other", ['"of another server"', "W/{tag}", '"1", "2"', "", '"{tag}"', "1"])
async def test_another_tag_changes_nothing_nor_does_a_weak_one(http: Api, thing: Thing, other: str) -> None:
    tag = await tag_of(http, thing.path)
    headers = {"If-Match": other.replace("{tag}", tag)}
    for method, body in ((thing.method, thing.first), ("DELETE", None)):
        answer = await http.call(method, thing.path, json=body, headers=headers)
        assert answer.problem == (412, "precondition_failed")
    assert await tag_of(http, thing.path) == tag


@things
async def test_one_of_several_tags_is_enough(http: Api, thing: Thing) -> None:
    tag = await tag_of(http, thing.path)
    headers = {"If-Match": f'"1", {tag}, W/"2"'}
    assert (await http.call(thing.method, thing.path, json=thing.first, headers=headers)).status == 200


@things
async def test_who_wants_it_new_changes_nothing_that_is_there(http: Api, thing: Thing) -> None:
    tag = await tag_of(http, thing.path)
    for none_match in ("*", tag):
        headers = {"If-None-Match": none_match}
        answer = await http.call(thing.method, thing.path, json=thing.first, headers=headers)
        assert answer.problem == (412, "precondition_failed")
    assert await tag_of(http, thing.path) == tag


@pytest.mark.parametrize("path", sorted(REMOVABLE))
async def test_only_what_was_read_is_removed(http: Api, world: World, path: str) -> None:
    tag = await tag_of(http, path)
    if path.endswith("/devices/1"):
        (device,) = await world.devices.of(ALICE)
        await world.store.devices.used(device.id, at=world.clock.now())
    for thing in THINGS.values():
        if thing.path == path:
            await http.call(thing.method, path, json=thing.first)
    assert (await http.call("DELETE", path, headers={"If-Match": tag})).problem == (
        412,
        "precondition_failed",
    )
    answer = await http.call("DELETE", path, headers={"If-Match": await tag_of(http, path)})
    assert answer.status == 204
    assert (await http.call("DELETE", path, headers={"If-Match": tag})).status == 404


@pytest.mark.parametrize("path", sorted(REMOVABLE))
async def test_who_knows_it_already_gets_no_document(http: Api, path: str) -> None:
    tag = await tag_of(http, path)
    for known in (tag, f'"1", W/{tag}', "*"):
        answer = await http.call("GET", path, headers={"If-None-Match": known})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    assert (await http.call("GET", path, headers={"If-None-Match": '"1"'})).status == 200


async def test_what_a_handset_did_meanwhile_counts_too(http: Api, world: World) -> None:
    tag = await tag_of(http, ONE)
    await world.sms_from_handset("Deactivate:pv=11;ct=x")
    answer = await http.call("PATCH", ONE, json={"max_messages": 7}, headers={"If-Match": tag})
    assert answer.problem == (412, "precondition_failed")
    assert (await http.call("GET", ONE, headers={"If-None-Match": tag})).status == 200


@pytest.mark.parametrize(
    ("path", "there", "back"),
    [
        ("hold", {"held": True, "reason": ""}, {"held": False, "reason": ""}),
        ("closure", {"closed": True, "reason": ""}, {"closed": False, "reason": ""}),
    ],
)
async def test_a_step_of_its_life_is_decided_on_the_subscriber(
    http: Api, path: str, there: object, back: object
) -> None:
    first = await tag_of(http, ONE)
    answer = await http.call("PUT", f"{ONE}/{path}", json=there, headers={"If-Match": first})
    second = await tag_of(http, ONE)
    assert (answer.status, answer.headers["ETag"]) == (200, second)
    refused = await http.call("PUT", f"{ONE}/{path}", json=back, headers={"If-Match": first})
    assert refused.problem == (412, "precondition_failed")
    assert await tag_of(http, ONE) == second != first
    answer = await http.call("PUT", f"{ONE}/{path}", json=back, headers={"If-Match": second})
    assert answer.status == 200


@pytest.mark.parametrize("path", [f"/v1/subscribers/{BOB}", "/v1/cos/silver"])
@pytest.mark.parametrize("match", ["*", '"1"'])
async def test_a_put_with_a_tag_creates_nothing(http: Api, path: str, match: str) -> None:
    answer = await http.call("PUT", path, json={}, headers={"If-Match": match})
    assert answer.problem == (412, "precondition_failed")
    assert (await http.call("GET", path)).status == 404


@pytest.mark.parametrize("path", [f"/v1/subscribers/{BOB}", "/v1/cos/silver", f"{ONE}/aliases/+33199000001"])
async def test_who_wants_it_new_creates_once(http: Api, path: str) -> None:
    new = {"If-None-Match": "*"}
    assert (await http.call("PUT", path, json={}, headers=new)).status == 201
    assert (await http.call("PUT", path, json={}, headers=new)).problem == (412, "precondition_failed")


async def test_a_condition_is_not_looked_at_where_there_is_nothing_to_change(http: Api) -> None:
    for path in (
        f"{ONE}/messages/9",
        f"{ONE}/greetings/9",
        f"{ONE}/devices/9",
        "/v1/webhooks/9",
        "/v1/cos/x",
    ):
        assert (await http.call("DELETE", path, headers={"If-Match": '"1"'})).status == 404


async def test_the_tag_of_a_webhook_stays_while_only_its_cursor_moves(http: Api, world: World) -> None:
    tag = await tag_of(http, "/v1/webhooks/1")
    await world.store.webhooks.set_webhook(1, now=world.clock.now(), cursor=await world.store.events.newest())
    assert await tag_of(http, "/v1/webhooks/1") == tag
    await http.call("POST", "/v1/webhooks/1/secret")
    assert await tag_of(http, "/v1/webhooks/1") != tag


async def test_a_number_that_comes_back_brings_no_tag_back(http: Api, world: World) -> None:
    tags = {path: await tag_of(http, path) for path in (ONE, f"{ONE}/messages/1")}
    await world.provisioning.remove(ALICE)
    world.clock.advance(timedelta(seconds=2))
    await world.subscriber(ProvisioningStatus.READY)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    for path, tag in tags.items():
        assert await tag_of(http, path) != tag


TAGS = st.sampled_from(['"1"', '"2"', 'W/"1"', 'W/"2"', "*", "", "1"])


@given(st.lists(TAGS, max_size=4), st.lists(TAGS, max_size=4))
def test_a_condition_means_what_the_section_says(match: list[str], none_match: list[str]) -> None:
    allowed = not match or "*" in match or '"1"' in match
    known = "*" in none_match or '"1"' in none_match or 'W/"1"' in none_match
    conditions = Conditions(tuple(match), tuple(none_match))
    if not allowed or known:
        with pytest.raises(PreconditionFailed):
            conditions.allow('"1"', 1)
    else:
        assert conditions.allow('"1"', 1) in {1, None}
        if '"1"' in match and "*" not in match:
            assert conditions.allow('"1"', 1) == 1
