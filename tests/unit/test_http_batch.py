# SPDX-License-Identifier: Apache-2.0
"""POST /v1/subscribers:batch: in order, each item for itself, and nothing in a dry run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, World
from vvm.domain.access import Role
from vvm.domain.numbers import Msisdn
from vvm.fronts.http.settings import HttpSettings

BATCH = "/v1/subscribers:batch"
CAROL = Msisdn("+33600000001")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


def item(action: str, msisdn: str, **subscriber: object) -> dict[str, object]:
    return {"action": action, "msisdn": msisdn} | ({"subscriber": subscriber} if subscriber else {})


async def run(http: Api, *items: dict[str, object], dry_run: bool = False) -> list[tuple[str, str]]:
    """Outcome and code of each item."""
    answer = await http.call("POST", BATCH, json={"items": items, "dry_run": dry_run})
    assert answer.status == 200
    results = cast("list[dict[str, Any]]", answer.json["results"])
    assert [one["msisdn"] for one in results] == [one["msisdn"] for one in items]
    assert answer.json["refused"] == sum(one["outcome"] == "refused" for one in results)
    return [(one["outcome"], one.get("code", "")) for one in results]


MIXED = (
    item("create", BOB, max_messages=7, client={"port": 5000}),
    item("create", ALICE, max_messages=7),
    item("create", BOB),
    item("create", CAROL, language="klingon"),
    item("update", BOB, max_messages=8),
    item("update", CAROL, max_messages=8),
    item("delete", ALICE),
    item("delete", ALICE),
    item("create", ALICE, cos="gold"),
)


async def test_items_are_carried_out_in_order_and_a_bad_one_costs_itself(http: Api, world: World) -> None:
    assert await run(http, *MIXED) == [
        ("created", ""),
        ("known", ""),
        ("known", ""),
        ("refused", "unknown_language"),
        ("updated", ""),
        ("refused", "unknown_subscriber"),
        ("deleted", ""),
        ("refused", "unknown_subscriber"),
        ("refused", "unknown_cos"),
    ]
    bob = await world.provisioning.show(BOB)
    assert (bob.max_messages, bob.client.port) == (8, 5000)
    assert await world.store.subscribers.by_msisdn(ALICE) is None


async def test_an_update_keeps_what_it_does_not_name(http: Api, world: World) -> None:
    before = await world.provisioning.show(ALICE)
    assert await run(http, item("update", ALICE, client={"port": 1234})) == [("updated", "")]
    after = await world.provisioning.show(ALICE)
    assert (after.client.port, after.client.prefix) == (1234, before.client.prefix)
    assert after.language == before.language


async def test_a_dry_run_tells_of_each_and_changes_nobody(http: Api, world: World) -> None:
    before = await world.store.subscribers.page(after=None, limit=10)
    told = await run(
        http,
        item("create", BOB),
        item("create", ALICE),
        item("update", ALICE, max_messages=8),
        item("update", ALICE, pin="1111"),
        item("delete", ALICE),
        item("delete", CAROL),
        dry_run=True,
    )
    assert [outcome for outcome, _ in told] == [
        "created",
        "known",
        "updated",
        "refused",
        "deleted",
        "refused",
    ]
    assert await world.store.subscribers.page(after=None, limit=10) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [{"action": "burn", "msisdn": ALICE}]},
        {"items": [{"action": "create", "msisdn": "alice"}]},
        {"items": [{"action": "create", "msisdn": ALICE, "max_messages": 7}]},
        {"items": [{"action": "delete", "msisdn": ALICE}] * 1001},
    ],
)
async def test_a_batch_without_the_form_is_refused_whole(http: Api, world: World, body: object) -> None:
    assert (await http.call("POST", BATCH, json=body)).problem == (400, "bad_request")
    assert await world.provisioning.show(ALICE)


async def test_a_thousand_fit_and_more_octets_do_not(world: World) -> None:
    async with api(world) as http:
        many = [item("create", f"+336{number:08}", max_messages=7, language="eng") for number in range(1000)]
        assert set(await run(http, *many)) == {("created", "")}
    async with api(world, HttpSettings(max_batch_bytes=1000)) as http:
        assert (await http.call("POST", BATCH, json={"items": many})).problem == (413, "too_large")


async def test_a_batch_with_a_key_is_carried_out_once(http: Api) -> None:
    body = {"items": [item("create", BOB)] * 900}
    first, second = [
        await http.call("POST", BATCH, json=body, headers={"Idempotency-Key": "night-1"}) for _ in range(2)
    ]
    assert second.body == first.body
    assert second.headers["Idempotency-Replayed"] == "true"


HELD = {"aliases": [CAROL], "held": True, "closing_at": "2026-12-01T00:00:00Z", "reason": "case 12"}


async def test_a_subscriber_is_created_with_numbers_a_hold_and_an_end(http: Api, world: World) -> None:
    assert await run(http, item("create", BOB) | HELD) == [("created", "")]
    bob = await world.provisioning.show(CAROL)
    assert bob.closing is not None
    assert (bob.msisdn, bob.held, bob.status, bob.closing.at.day) == (BOB, True, "U", 1)
    newest = await world.store.subscribers.audit(BOB, limit=1)
    assert [(one.trigger, one.reason, one.actor) for one in newest] == [
        ("closed", "case 12", "api:admin.token")
    ]


async def test_an_update_brings_them_about_and_undoes_them_and_may_be_repeated(
    http: Api, world: World
) -> None:
    undone = {"aliases": [], "held": False, "closed": False}
    for standing, aliases in (HELD, [CAROL]), (undone, []):
        for _ in range(2):
            assert await run(http, item("update", ALICE) | standing) == [("updated", "")]
            alice = await world.provisioning.show(ALICE)
            assert await world.lifecycle.aliases(ALICE) == aliases
            assert (alice.held, alice.closing is not None) == (bool(aliases), bool(aliases))
    assert [one.trigger for one in await world.store.subscribers.audit(ALICE, limit=99)].count("held") == 1


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        ({"aliases": [BOB]}, "invalid_number"),
        ({"aliases": [ALICE]}, "subscriber_exists"),
        ({"aliases": [f"+3360000001{digit}" for digit in range(6)]}, "too_many_aliases"),
    ],
)
async def test_numbers_that_cannot_be_given_cost_the_item(
    http: Api, standing: dict[str, object], code: str
) -> None:
    (result,) = await run(http, item("create", BOB) | standing, dry_run=False)
    assert result == ("refused", code)
    assert (await http.call("GET", f"/v1/subscribers/{BOB}")).status == 404


async def test_who_may_lay_no_hold_lays_none_by_a_batch(http: Api, world: World) -> None:
    _, secret = await world.tokens.create("crm", Role.PROVISIONING)
    body = {"items": [item("create", BOB) | {"held": True}]}
    answer = await http.call("POST", BATCH, json=body, token=secret.reveal())
    assert answer.problem == (403, "forbidden")
    body = {"items": [item("create", BOB) | {"closed": True}]}
    assert (await http.call("POST", BATCH, json=body, token=secret.reveal())).json["refused"] == 0


async def test_all_items_that_have_not_the_form_are_named(http: Api, world: World) -> None:
    items: list[object] = [
        item("create", BOB),
        item("create", "0612345678"),
        item("eat", CAROL),
        "item",
        item("update", ALICE, max_messages=0),
        {"action": "create"},
    ]
    answer = await http.call("POST", BATCH, json={"items": items})
    assert answer.problem == (400, "bad_request")
    faults = str(answer.json["detail"]).split("; ")
    assert [fault.partition(": ")[0] for fault in faults] == [
        "items[1].msisdn",
        "items[2].action",
        "items[3]",
        "items[4].subscriber.max_messages",
        "items[5].msisdn",
    ]
    assert "0612345678" not in answer.text
    assert (await http.call("GET", f"/v1/subscribers/{BOB}")).status == 404
    many = await http.call("POST", BATCH, json={"items": [item("eat", BOB)] * 1000})
    assert str(many.json["detail"]).endswith("items[99].action: one of create, update, delete; and 900 more")
    for broken in (b"{", b'{"items": 7}', b'{"items": []}', b"[]"):
        assert (await http.call("POST", BATCH, data=broken)).problem == (400, "bad_request")
