# SPDX-License-Identifier: Apache-2.0
"""What an operator does with the life of a subscriber and its messages, over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, CALL, TWO_SECONDS, World
from vvm.domain.access import ROLES, Role, Scope
from vvm.domain.cos import Limits
from vvm.domain.message import INBOX
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, ProvisioningStatus
from vvm.services.provisioning import SubscriberOptions

ONE = f"/v1/subscribers/{ALICE}"
MESSAGE = f"{ONE}/messages/1"
HOLD = {"held": True, "reason": "case 12"}


@pytest.fixture
async def world() -> World:
    """Alice's class keeps what she deletes; she has one message."""
    world = World()
    await world.classes.put("gold", Limits(deleted_days=7))
    await world.subscriber(ProvisioningStatus.READY, options=SubscriberOptions(cos=CosName("gold")))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def test_a_deleted_message_is_listed_and_restored(http: Api, world: World) -> None:
    mailbox = (await world.current()).mailbox
    octets = await world.store.mailboxes.octets(mailbox, INBOX, 1)
    assert (await http.call("DELETE", MESSAGE)).status == 204
    await world.texts()
    listed = (await http.call("GET", f"{ONE}/deleted")).json
    (deleted,) = listed["messages"]
    assert (deleted["uid"], deleted["folder"], deleted["seconds"]) == (1, INBOX, 2)
    answer = await http.call("POST", f"{ONE}/deleted/{deleted['id']}/restore")
    assert (answer.status, answer.json) == (200, {"folder": "INBOX", "uid": 2})
    assert await world.store.mailboxes.octets(mailbox, INBOX, 2) == octets
    assert [row.cause for row in await world.owed()] == [Cause.MAILBOX_UPDATE]
    assert (await http.call("GET", f"{ONE}/deleted")).json["messages"] == []


async def test_deleted_messages_are_paged(http: Api, world: World) -> None:
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    for uid in (1, 2):
        await http.call("DELETE", f"{ONE}/messages/{uid}")
    first = (await http.call("GET", f"{ONE}/deleted?limit=1")).json
    second = (await http.call("GET", f"{ONE}/deleted?limit=1&cursor={first['next']}")).json
    assert [page["messages"][0]["uid"] for page in (first, second)] == [1, 2]
    assert second["next"] is None


async def test_what_is_not_there_is_not_restored(http: Api) -> None:
    answer = await http.call("POST", f"{ONE}/deleted/4711/restore")
    assert answer.problem == (404, "unknown_message")


async def test_a_held_subscriber_is_not_removed_until_the_hold_is_lifted(http: Api, world: World) -> None:
    answer = await http.call("PUT", f"{ONE}/hold", json=HOLD)
    assert (answer.status, answer.json["held"]) == (200, True)
    assert (await http.call("DELETE", ONE)).problem == (409, "subscriber_held")
    lifted = await http.call("PUT", f"{ONE}/hold", json={"held": False, "reason": "case 12 is closed"})
    assert lifted.json["held"] is False
    assert (await http.call("DELETE", ONE)).status == 204
    entries = (await http.call("GET", f"{ONE}/audit")).json["entries"]
    assert [(entry["trigger"], entry["reason"]) for entry in entries[:3]] == [
        (Trigger.REMOVED, ""),
        (Trigger.RELEASED, "case 12 is closed"),
        (Trigger.HELD, "case 12"),
    ]


async def test_a_hold_needs_a_right_of_its_own(http: Api, world: World) -> None:
    assert [role for role in Role if Scope.HOLD in ROLES[role]] == [Role.ADMIN]
    _, token = await world.tokens.create("support", Role.SUPPORT)
    answer = await http.call("PUT", f"{ONE}/hold", json=HOLD, token=token.reveal())
    assert answer.problem == (403, "forbidden")


async def test_a_hold_says_why(http: Api) -> None:
    assert (await http.call("PUT", f"{ONE}/hold", json={"held": True})).problem == (400, "bad_request")
    long = {"held": True, "reason": "x" * 201}
    assert (await http.call("PUT", f"{ONE}/hold", json=long)).problem == (400, "bad_request")


async def test_a_number_is_changed(http: Api) -> None:
    new = "+33712345678"
    answer = await http.call("POST", f"{ONE}/number", json={"msisdn": new, "reason": "ported"})
    assert (answer.status, answer.headers["Location"]) == (200, f"/v1/subscribers/{new}")
    assert (answer.json["msisdn"], answer.json["status"]) == (new, "P")
    assert (await http.call("GET", ONE)).problem == (404, "unknown_subscriber")
    assert (await http.call("GET", f"/v1/subscribers/{new}/messages/1")).status == 200
    bad = await http.call("POST", f"/v1/subscribers/{new}/number", json={"msisdn": "0612345678"})
    assert bad.problem == (400, "bad_request")


async def test_a_pin_is_made_and_in_no_answer(http: Api, world: World) -> None:
    _, support = await world.tokens.create("callcentre", Role.SUPPORT)
    answer = await http.call("POST", f"{ONE}/pin", json={"reason": "lost"}, token=support.reveal())
    assert (answer.status, answer.json["msisdn"]) == (200, ALICE)
    assert "pin" not in answer.json
    (text,) = await world.texts()
    (pin,) = re.findall(r"\d{6}", text)
    for path in (ONE, f"{ONE}/timeline", f"{ONE}/audit", "/v1/events", "/v1/notifications/dead"):
        assert pin not in (await http.call("GET", path)).text
    await http.call("PATCH", ONE, json={"blocked": True})
    assert (await http.call("POST", f"{ONE}/pin")).problem == (409, "nothing_to_tell")


async def test_a_sim_is_swapped(http: Api) -> None:
    answer = await http.call("POST", f"{ONE}/sim", json={"reason": "stolen"})
    assert (answer.status, answer.json["status"]) == (200, "P")


async def test_aliases_are_added_listed_and_removed(http: Api) -> None:
    second = f"{ONE}/aliases/+33612000002"
    added = await http.call("PUT", second)
    assert (added.status, added.headers["Location"]) == (201, second)
    assert (await http.call("PUT", second)).status == 200
    assert (await http.call("GET", f"{ONE}/aliases")).json == {"aliases": ["+33612000002"]}
    assert (await http.call("GET", "/v1/subscribers/+33612000002")).json["msisdn"] == ALICE
    assert (await http.call("DELETE", second)).status == 204
    assert (await http.call("DELETE", second)).problem == (404, "unknown_alias")


async def test_a_request_for_one_line_changes_no_other(http: Api) -> None:
    await http.call("PUT", f"{ONE}/aliases/+33612000002")
    line = "/v1/subscribers/+33612000002"
    assert (await http.call("PUT", line, json={"blocked": True})).problem == (409, "is_alias")
    assert (await http.call("DELETE", line)).problem == (409, "is_alias")
    before = (await http.call("GET", line)).json
    for verb, path, body in (
        ("PUT", "", {"max_messages": 9}),
        ("PATCH", "", {"max_messages": 9}),
        ("PUT", "/closure", {"closed": True, "reason": "no"}),
        ("PUT", "/closure", {"closed": False, "reason": "no"}),
        ("PUT", "/hold", HOLD),
        ("POST", "/number", {"msisdn": "+33712345678"}),
        ("POST", "/sim", {}),
        ("POST", "/pin", {}),
        ("POST", "/password", {}),
        ("POST", "/activation", {}),
        ("POST", "/deactivation", {}),
        ("PUT", "/aliases/+33612000003", None),
        ("DELETE", "/aliases/+33612000002", None),
    ):
        assert (await http.call(verb, line + path, json=body)).problem == (409, "is_alias"), (verb, path)
    assert (await http.call("GET", ONE)).json == before
    for path in ("/aliases", "/audit", "/timeline", "/messages"):
        assert (await http.call("GET", line + path)).status == 200, path
    taken = await http.call("PUT", f"{ONE}/aliases/{ALICE}")
    assert taken.problem == (409, "subscriber_exists")
    for digit in range(3, 7):
        assert (await http.call("PUT", f"{ONE}/aliases/+3361200000{digit}")).status == 201
    assert (await http.call("PUT", f"{ONE}/aliases/+33612000007")).problem == (409, "too_many_aliases")


async def test_a_subscriber_is_closed_and_opened_again(http: Api) -> None:
    closed = await http.call("PUT", f"{ONE}/closure", json={"closed": True, "reason": "contract ended"})
    assert (closed.status, closed.json["status"]) == (200, "U")
    assert closed.json["closing_at"] == "2026-03-31T12:00:00Z"
    assert (await http.call("PATCH", ONE, json={"blocked": True})).problem == (409, "subscriber_closed")
    deposit = await http.call("POST", f"{ONE}/messages", data=TWO_SECONDS)
    assert deposit.problem == (404, "unknown_subscriber")
    opened = await http.call("PUT", f"{ONE}/closure", json={"closed": False, "reason": "paid"})
    assert (opened.json["status"], opened.json["closing_at"]) == ("R", None)
