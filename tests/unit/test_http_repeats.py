# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: a request that is repeated is answered as before, and not carried out again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from tests.unit.http_api import Answer, Api, api, api_services
from tests.unit.http_contract import document_paths
from tests.unit.services_world import ALICE, BOB, TWO_SECONDS, World
from vvm.domain.access import Role
from vvm.domain.cos import Limits
from vvm.domain.errors import Outage
from vvm.domain.message import INBOX, Envelope
from vvm.domain.subscriber import CosName
from vvm.fronts.http.app import routes
from vvm.fronts.http.settings import HttpSettings
from vvm.services.provisioning import SubscriberOptions
from vvm.services.repeats import digest

ONE = f"/v1/subscribers/{ALICE}"
DEVICES = f"{ONE}/devices"
KEY = {"Idempotency-Key": "order-1"}
REPLAYED = "Idempotency-Replayed"
TABLET = {"name": "Tablet"}
BATCH = "/v1/subscribers:batch"
HOOK = "/v1/webhooks/1"
MADE = [
    (DEVICES, b'{"name": "Tablet"}', ("id", "login", "password")),
    ("/v1/webhooks", b'{"url": "https://crm.example.net/"}', ("id", "secret")),
    (f"{ONE}/greetings", TWO_SECONDS, ("uid",)),
]
"""What makes a thing, and the members of its answer that are of this one."""
DONE_ONCE = [
    (f"{ONE}/password", b""),
    (f"{ONE}/sim", b""),
    (f"{ONE}/pin", b""),
    (f"{ONE}/number", b'{"msisdn": "%b"}' % BOB.encode()),
    (f"{HOOK}/secret", b""),
    (f"{ONE}/deleted/1/restore", b""),
    (BATCH, b'{"items": [{"action": "create", "msisdn": "%b"}]}' % BOB.encode()),
]
DONE_AGAIN = [
    (f"{ONE}/activation", b""),
    (f"{ONE}/deactivation", b""),
    (f"{ONE}/status", b""),
    (f"{ONE}/notifications", b'{"kind": "mwi"}'),
    (f"{HOOK}/replay", b'{"cursor": ""}'),
    (f"{HOOK}/dead/1/resend", b""),
    ("/v1/notifications/1/resend", b""),
]
NOT_THERE = {"unknown_webhook", "unknown_dead_event", "no_dead_letter"}
"""What is said of a dead letter that is dead no more."""


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def test_every_route_that_changes_something_takes_a_key(world: World) -> None:
    for route in routes(api_services(world), HttpSettings()):
        path = route.path.replace(":[0-9]{1,10}", "")
        operation = document_paths()[path][route.method.lower()]
        names = str(operation.get("parameters", []))
        takes = "idempotencyKey" in names or "Idempotency-Key" in names
        assert takes is (route.method != "GET"), route


async def test_a_repetition_gets_the_first_answer_with_its_secret(http: Api, world: World) -> None:
    first = await http.call("POST", DEVICES, json=TABLET, headers=KEY)
    second = await http.call("POST", DEVICES, json=TABLET, headers=KEY)
    assert first.status == second.status == 201
    assert second.body == first.body
    assert (first.headers.get(REPLAYED), second.headers[REPLAYED]) == (None, "true")
    assert second.headers["Location"] == first.headers["Location"]
    assert len(await world.devices.of(ALICE)) == 1
    (row,) = world.store.repeats._rows.values()
    assert row.answer is not None
    assert str(first.json["password"]).encode() not in row.answer


async def test_without_a_key_it_is_done_again(http: Api, world: World) -> None:
    for _ in range(2):
        await http.call("POST", DEVICES, json=TABLET)
    assert len(await world.devices.of(ALICE)) == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", DEVICES, {"name": "Watch"}),
        ("POST", f"{ONE}/password", TABLET),
        ("PATCH", ONE, TABLET),
        ("PUT", "/v1/cos/gold?", {}),
    ],
)
async def test_a_key_is_of_one_request(http: Api, method: str, path: str, body: object) -> None:
    await http.call("POST", DEVICES, json=TABLET, headers=KEY)
    assert (await http.call(method, path, json=body, headers=KEY)).problem == (422, "idempotency_key_reused")


async def test_a_key_is_of_one_caller(http: Api, world: World) -> None:
    _, other = await world.tokens.create("other", Role.ADMIN)
    await http.call("POST", DEVICES, json=TABLET, headers=KEY)
    answer = await http.call("POST", DEVICES, json=TABLET, headers=KEY, token=other.reveal())
    assert (answer.status, answer.headers.get(REPLAYED)) == (201, None)


async def test_a_deletion_that_is_repeated_is_answered_as_the_first(http: Api) -> None:
    answers = [await http.call("DELETE", ONE, headers=KEY) for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 204]
    assert (await http.call("DELETE", ONE, headers={"Idempotency-Key": "2"})).status == 404


async def test_what_was_refused_leaves_its_key_free(http: Api) -> None:
    assert (await http.call("PATCH", ONE, json={"cos": "gold"}, headers=KEY)).status == 422
    await http.call("PUT", "/v1/cos/gold", json={})
    answer = await http.call("PATCH", ONE, json={"cos": "gold"}, headers=KEY)
    assert (answer.status, answer.headers.get(REPLAYED)) == (200, None)


async def test_of_two_at_once_the_second_is_told_to_wait(http: Api, world: World) -> None:
    """The first is being carried out, as far as the store knows."""
    await _begun(world, "POST", DEVICES, b'{"name": "Tablet"}')
    answer = await http.call("POST", DEVICES, json=TABLET, headers=KEY)
    assert answer.problem == (409, "request_in_progress")
    assert int(answer.headers["Retry-After"]) > 0


async def test_many_at_once_have_one_effect(http: Api, world: World) -> None:
    answers: list[Answer] = await asyncio.gather(
        *(http.call("POST", DEVICES, json=TABLET, headers=KEY) for _ in range(8))
    )
    assert {answer.status for answer in answers} <= {201, 409}
    assert len(await world.devices.of(ALICE)) == 1


async def test_after_a_crash_nobody_does_it_twice_unless_that_is_harmless(http: Api, world: World) -> None:
    anew = b'{"items": [{"action": "delete", "msisdn": "%b"}, {"action": "create", "msisdn": "%b"}]}'
    body = anew % (ALICE.encode(), ALICE.encode())
    await _begun(world, "POST", BATCH, body)
    world.clock.advance(timedelta(minutes=10))
    again = await http.call("POST", BATCH, data=body, headers=KEY)
    assert again.problem == (409, "outcome_unknown")
    await _begun(world, "PUT", ONE, b'{"max_messages": 7}', key="order-2")
    world.clock.advance(timedelta(minutes=10))
    answer = await http.call("PUT", ONE, json={"max_messages": 7}, headers={"Idempotency-Key": "order-2"})
    assert (answer.status, answer.headers.get(REPLAYED)) == (200, None)


@pytest.mark.parametrize(("path", "body"), DONE_AGAIN)
async def test_a_post_that_does_no_harm_is_done_again_after_a_crash(
    http: Api, world: World, path: str, body: bytes
) -> None:
    await _begun(world, "POST", path, body)
    world.clock.advance(timedelta(minutes=10))
    answer = await http.call("POST", path, data=body, headers=KEY)
    assert answer.status < 300 or answer.problem[1] in NOT_THERE
    assert answer.headers.get(REPLAYED) is None


@pytest.mark.parametrize(("path", "body", "made"), MADE)
async def test_what_was_made_before_a_crash_is_found_again(  # noqa: PLR0917 - a fixture each
    http: Api,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: bytes,
    made: tuple[str, ...],
) -> None:
    """It is made, and then nobody keeps the answer."""
    await _done_and_forgotten(http, world, monkeypatch, path, body)
    first = await http.call("POST", path, data=body, headers=KEY)
    assert (first.status, first.headers.get(REPLAYED)) == (201, None)
    (things,) = (value for value in (await http.call("GET", path)).json.values() if isinstance(value, list))
    assert len(things) == 1
    second = await http.call("POST", path, data=body, headers=KEY)
    assert (second.body, second.headers[REPLAYED]) == (first.body, "true")
    assert set(made) <= first.json.keys()
    other = await http.call("POST", path, data=body, headers={"Idempotency-Key": "another"})
    assert all(other.json[name] != first.json[name] for name in made)


@pytest.mark.parametrize(("path", "body"), DONE_ONCE)
async def test_what_was_done_before_a_crash_is_not_done_again(
    http: Api, world: World, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    """It is done, and then nobody keeps the answer: the repetition finds it and says how it is now."""
    await _deleted_message(world)
    await world.webhooks.add("https://crm.example.net/")
    await _done_and_forgotten(http, world, monkeypatch, path, body)
    before = await _state(world)
    first = await http.call("POST", path, data=body, headers=KEY)
    assert (first.status, first.headers.get(REPLAYED)) == (200, None)
    assert await _state(world) == before
    second = await http.call("POST", path, data=body, headers=KEY)
    assert (second.body, second.headers[REPLAYED]) == (first.body, "true")


async def test_every_post_is_one_that_a_crash_was_tried_with() -> None:
    tried = [path for path, *_ in (*MADE, *DONE_AGAIN, *DONE_ONCE)]
    untried = {"/v1/subscribers/{msisdn}/messages"}  # its own key, kept for ever
    for path, operations in document_paths().items():
        if "post" in operations and f"/v1{path}" not in untried:
            form = re.compile(re.sub(r"{\w+}", "[^/]+", f"/v1{path}") + r"\Z")
            assert any(form.match(one) for one in tried), path


async def test_a_password_that_was_replaced_since_does_not_come_back(
    http: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _done_and_forgotten(http, world, monkeypatch, f"{ONE}/password", b"")
    leaked = (await world.current()).password_check
    await http.call("POST", f"{ONE}/sim")
    assert (await http.call("POST", f"{ONE}/password", headers=KEY)).status == 200
    after = await world.current()
    assert leaked not in {after.password_check, after.previous_check}


async def test_a_batch_that_is_repeated_tells_what_it_finds(
    http: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        {"action": "create", "msisdn": BOB},
        {"action": "update", "msisdn": ALICE, "subscriber": {"max_messages": 7}},
        {"action": "delete", "msisdn": ALICE},
    ]
    body = msgspec.json.encode({"items": items})
    await _done_and_forgotten(http, world, monkeypatch, BATCH, body)
    answer = await http.call("POST", BATCH, data=body, headers=KEY)
    results = msgspec.convert(answer.json["results"], list[dict[str, str]])
    assert [result["outcome"] for result in results] == ["known", "refused", "refused"]
    assert {result.get("code") for result in results[1:]} == {"unknown_subscriber"}


async def test_an_outage_frees_a_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with api(world) as http:
        with monkeypatch.context() as away:
            away.setattr(type(world.store.subscribers), "change", _away)
            other = {"Idempotency-Key": "2"}
            assert (await http.call("PATCH", ONE, json={}, headers=KEY)).status == 503
            assert (await http.call("POST", f"{ONE}/password", headers=other)).status == 503
        assert (await http.call("PATCH", ONE, json={}, headers=KEY)).status == 200
        assert (await http.call("POST", f"{ONE}/password", headers=other)).status == 200


async def test_what_must_not_be_done_twice_is_not_free_after_an_outage(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"action": "delete", "msisdn": ALICE}, {"action": "create", "msisdn": ALICE}]
    async with api(world) as http:
        with monkeypatch.context() as away:
            away.setattr(type(world.store.subscribers), "create_many", _away)
            assert (await http.call("POST", BATCH, json={"items": items}, headers=KEY)).status == 503
        answer = await http.call("POST", BATCH, json={"items": items}, headers=KEY)
        assert answer.problem == (409, "request_in_progress")


async def test_a_key_is_forgotten_after_its_time(http: Api, world: World) -> None:
    await http.call("POST", DEVICES, json=TABLET, headers=KEY)
    world.clock.advance(timedelta(hours=24, seconds=1))
    await world.retention()
    assert not world.store.repeats._rows
    assert REPLAYED not in (await http.call("POST", DEVICES, json=TABLET, headers=KEY)).headers


async def test_a_recording_is_kept_once(http: Api, world: World) -> None:
    path = f"{ONE}/greetings"
    first = await http.call("POST", path, data=TWO_SECONDS, headers=KEY)
    second = await http.call("POST", path, data=TWO_SECONDS, headers=KEY)
    assert (first.status, second.body) == (201, first.body)
    assert len(await world.desk.greetings(ALICE)) == 1
    assert (await http.call("POST", path, data=TWO_SECONDS + b"\0", headers=KEY)).status == 422


async def test_a_deposit_says_too_that_it_was_known(http: Api) -> None:
    path = f"{ONE}/messages"
    first = await http.call("POST", path, data=TWO_SECONDS, headers=KEY)
    second = await http.call("POST", path, data=TWO_SECONDS, headers=KEY)
    assert (first.headers.get(REPLAYED), second.headers[REPLAYED]) == (None, "true")


async def _done_and_forgotten(
    http: Api, world: World, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    """As a server leaves it that was killed between the effect and the answer."""
    with monkeypatch.context() as dying:
        dying.setattr(type(world.store.repeats), "finish", _away)
        assert (await http.call("POST", path, data=body, headers=KEY)).status == 503
    world.clock.advance(timedelta(minutes=10))


async def _deleted_message(world: World) -> None:
    await world.classes.put("gold", Limits(deleted_days=30))
    await world.provisioning.change(ALICE, SubscriberOptions(cos=CosName("gold")))
    deposited = await world.deposit(ALICE, TWO_SECONDS, Envelope(caller=BOB, received_at=world.clock.now()))
    await world.desk.delete(ALICE, deposited.uid)


async def _state(world: World) -> object:
    """All that a request may change, and what phones are told of it."""
    store = world.store
    audit = await store.subscribers.audit(BOB, limit=9)
    messages = [
        await store.mailboxes.states(one.mailbox, INBOX)
        for one in await store.subscribers.page(after=None, limit=9)
    ]
    owed = [await store.outbox.history(number, limit=9) for number in (ALICE, BOB)]
    return (
        await store.subscribers.page(after=None, limit=9),
        audit,
        messages,
        owed,
        await world.webhooks.all(),
    )


async def _begun(world: World, method: str, path: str, body: bytes, *, key: str = "order-1") -> None:
    """As a server leaves it that was killed on the way."""
    known = await world.repeats.begin(
        digest(b"admin.token", key.encode()),
        digest(method.encode(), path.encode(), body),
        keep=timedelta(hours=24),
        busy=timedelta(minutes=2),
        again=False,
    )
    assert known is None


async def _away(*arguments: object, **more: object) -> None:
    raise Outage("away")
