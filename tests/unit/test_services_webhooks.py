# SPDX-License-Identifier: Apache-2.0
"""Webhooks: who is at fault when an event is not accepted, and what follows from it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest
import structlog

from tests.contract.samples import ALICE, BOB, NOW, new_message, new_subscriber
from vvm.domain.clock import FixedClock
from vvm.domain.errors import BadWebhook, UnknownParked, UnknownWebhook
from vvm.domain.event import EventKind
from vvm.domain.message import INBOX
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.services.credentials import Keyring
from vvm.services.settings import WebhookSettings
from vvm.services.webhook_delivery import Answer, Verdict, WebhookDelivery
from vvm.services.webhooks import Registered, Webhooks
from vvm.store.memory import MemoryStore

URL = "https://crm.example.net/vvm"
TAKEN = Answer(Verdict.ACCEPTED)
BUSY = Answer(Verdict.RETRY, "503")
REFUSED = Answer(Verdict.REFUSED, "404")


class Endpoint:
    """An endpoint that accepts everything but what it was told to answer otherwise."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.answers: dict[Msisdn, Answer] = {}
        self.requests: list[tuple[bytes, Mapping[str, str]]] = []
        self.asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        assert url == URL
        self.requests.append((body, headers))
        self.asked.set()
        await self.answering.wait()
        event = msgspec.json.decode(body)
        answer = self.answers.get(event["msisdn"], TAKEN)
        if answer.verdict is Verdict.ACCEPTED:
            self.accepted.append(f"{event['msisdn']} {event['kind']} {event.get('uid', '')}".strip())
        return answer


class Counted:
    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    def posted(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


class World:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FixedClock(NOW)
        self.endpoint = Endpoint()
        self.metrics = Counted()
        keyring = Keyring(b"\x07" * 32)
        settings = WebhookSettings(max_attempts=3)
        events, hooks = self.store.events, self.store.webhooks
        self.webhooks = Webhooks(hooks, events, keyring, clock=self.clock, settings=settings)
        self.delivery = WebhookDelivery(
            hooks,
            events,
            keyring,
            self.endpoint,
            clock=self.clock,
            settings=settings,
            metrics=self.metrics,
        )

    async def subscribers(self) -> tuple[Subscriber, Subscriber]:
        create = self.store.subscribers.create
        return await create(new_subscriber()), await create(new_subscriber(BOB))

    async def deposit(self, *owners: Subscriber) -> None:
        for owner in owners:
            await self.store.mailboxes.append(owner.mailbox, INBOX, new_message())

    async def turns(self, within: timedelta = timedelta()) -> None:
        """Every turn that is due now, and then every one until that much time has passed."""
        until = self.clock.now() + within
        while True:
            while await self.delivery.drain():
                pass
            if self.clock.now() >= until:
                return
            self.clock.advance(timedelta(seconds=1))


@pytest.fixture
def world() -> World:
    return World()


async def registered(world: World, *kinds: EventKind) -> Registered:
    return await world.webhooks.add(URL, kinds)


async def test_events_since_the_registration_arrive_in_order(world: World) -> None:
    alice, _ = await world.subscribers()
    await registered(world)
    await world.deposit(alice, alice)
    await world.turns()
    assert world.endpoint.accepted == [f"{ALICE} message.deposited {uid}" for uid in (1, 2)]
    await world.turns()
    assert len(world.endpoint.requests) == 2


async def test_a_request_is_signed_as_standard_webhooks_says(world: World) -> None:
    alice, _ = await world.subscribers()
    made = await registered(world)
    await world.deposit(alice)
    await world.turns()
    ((body, headers),) = world.endpoint.requests
    assert headers["Webhook-Timestamp"] == str(int(NOW.timestamp()))
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    key = base64.b64decode(made.secret.reveal().removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"] == f"v1,{expected}"


async def test_only_the_kinds_that_are_wanted_arrive(world: World) -> None:
    alice, _ = await world.subscribers()
    await registered(world, EventKind.SUBSCRIBER_REMOVED)
    await world.deposit(alice)
    await world.store.subscribers.remove(ALICE, at=NOW)
    await world.turns()
    assert world.endpoint.accepted == [f"{ALICE} subscriber.removed"]


async def test_an_endpoint_that_is_down_loses_nothing_and_is_left_alone_longer_each_time(
    world: World,
) -> None:
    alice, bob = await world.subscribers()
    made = await registered(world)
    await world.deposit(alice, bob)
    world.endpoint.answers = {ALICE: BUSY, BOB: BUSY}
    await world.turns(timedelta(hours=1))
    rounds = len(world.endpoint.requests) / 2
    assert 6 < rounds < 30
    (hook,) = await world.webhooks.all()
    assert (hook.cursor, hook.failures) == (made.webhook.cursor, rounds)
    world.endpoint.answers = {}
    await world.turns(timedelta(minutes=10))
    assert sorted(world.endpoint.accepted) == [f"{ALICE} message.deposited 1", f"{BOB} message.deposited 1"]


async def test_one_subscribers_trouble_holds_up_only_that_one_and_keeps_the_order(world: World) -> None:
    alice, bob = await world.subscribers()
    await registered(world)
    world.endpoint.answers = {ALICE: BUSY}
    await world.deposit(alice, alice, bob)
    await world.turns()
    await world.deposit(alice, bob)
    await world.turns()
    assert world.endpoint.accepted == [f"{BOB} message.deposited {uid}" for uid in (1, 2)]
    world.endpoint.answers = {}
    await world.turns(timedelta(minutes=1))
    assert world.endpoint.accepted[2:] == [f"{ALICE} message.deposited {uid}" for uid in (1, 2, 3)]


async def test_what_is_refused_is_a_dead_letter_at_once_and_what_follows_goes_on(world: World) -> None:
    alice, _ = await world.subscribers()
    made = await registered(world)
    world.endpoint.answers = {ALICE: REFUSED}
    await world.deposit(alice)
    await world.turns()
    world.endpoint.answers = {}
    await world.deposit(alice)
    await world.turns()
    assert world.endpoint.accepted == [f"{ALICE} message.deposited 2"]
    (dead,) = (await world.webhooks.dead(made.webhook.id)).items
    assert (dead.event.uid, dead.error) == (1, "404")
    await world.webhooks.revive(made.webhook.id, dead.id)
    await world.turns()
    assert world.endpoint.accepted[1:] == [f"{ALICE} message.deposited 1"]
    with pytest.raises(UnknownParked):
        await world.webhooks.revive(made.webhook.id, dead.id)


async def test_after_the_last_try_an_event_is_a_dead_letter(world: World) -> None:
    alice, bob = await world.subscribers()
    made = await registered(world)
    world.endpoint.answers = {ALICE: BUSY}
    await world.deposit(alice, bob)
    await world.turns()
    for _ in range(60):  # others go on meanwhile, so the endpoint is not at fault
        await world.deposit(bob)
        await world.turns(timedelta(seconds=1))
    (dead,) = (await world.webhooks.dead(made.webhook.id)).items
    assert (dead.event.msisdn, dead.attempts, dead.error) == (ALICE, 3, "503")


async def test_an_endpoint_that_is_gone_is_paused(world: World) -> None:
    alice, _ = await world.subscribers()
    made = await registered(world)
    world.endpoint.answers = {ALICE: Answer(Verdict.GONE, "410")}
    await world.deposit(alice)
    await world.turns(timedelta(minutes=5))
    assert world.metrics.verdicts == [Verdict.GONE]
    world.endpoint.answers = {}
    await world.webhooks.change(made.webhook.id, paused=False)
    await world.turns()
    assert world.endpoint.accepted == [f"{ALICE} message.deposited 1"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (BUSY, {"event": "webhook_fails", "rounds": 1, "error": "503", "paused": False}),
        (
            Answer(Verdict.GONE, "410"),
            {"event": "webhook_fails", "rounds": 1, "error": "410", "paused": True},
        ),
        (REFUSED, {"event": "webhook_events_dead", "count": 1, "error": "404"}),
    ],
)
async def test_the_log_says_what_an_endpoint_answered_and_what_follows(
    world: World, answer: Answer, told: dict[str, object]
) -> None:
    alice, _ = await world.subscribers()
    made = await registered(world)
    world.endpoint.answers[ALICE] = answer
    await world.deposit(alice)
    with structlog.testing.capture_logs() as events:
        await world.delivery.drain()
    assert events == [told | {"log_level": "warning", "webhook": made.webhook.id}]


async def test_a_replay_brings_everything_again(world: World) -> None:
    alice, _ = await world.subscribers()
    made = await registered(world)
    await world.deposit(alice)
    await world.turns()
    await world.webhooks.replay(made.webhook.id, made.webhook.cursor)
    await world.turns()
    assert world.endpoint.accepted == [f"{ALICE} message.deposited 1"] * 2


async def test_a_rotated_secret_signs_at_once(world: World) -> None:
    await world.subscribers()
    made = await registered(world)
    rotated = await world.webhooks.rotate(made.webhook.id)
    assert rotated.secret != made.secret
    assert "whsec_" not in repr(rotated)


async def test_a_secret_that_another_master_key_sealed_is_replaced_also_by_a_request_with_a_key(
    world: World,
) -> None:
    made = await registered(world)
    after = Webhooks(
        world.store.webhooks,
        world.store.events,
        Keyring(b"\x08" * 32),
        clock=world.clock,
        settings=WebhookSettings(),
    )
    other = await after.add("https://billing.example.net/", request=b"first")
    assert other.webhook.id != made.webhook.id
    rotated = await after.rotate(made.webhook.id, request=b"second")
    assert await after.rotate(made.webhook.id, request=b"second") == rotated


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.net/",
        "https://",
        "ftp://crm.example.net/",
        "https://user:secret@crm.example.net/",
        "https://crm.example.net/#part",
        "https://crm.example.net:99999/",
        "https://crm.example.net/a b",
        "https://crm.example.net/" + "a" * 2000,
    ],
)
async def test_a_url_that_we_do_not_post_to_is_refused_without_repeating_it(world: World, url: str) -> None:
    with pytest.raises(BadWebhook) as refused:
        await world.webhooks.add(url)
    assert "secret" not in str(refused.value)


async def test_an_unknown_webhook_is_said_to_be_unknown(world: World) -> None:
    with pytest.raises(UnknownWebhook):
        await world.webhooks.change(7, paused=True)
    with pytest.raises(UnknownWebhook):
        await world.webhooks.remove(7)


async def test_a_stop_in_the_middle_of_a_turn_leaves_the_webhook_to_another_node_at_once(
    world: World,
) -> None:
    alice, _ = await world.subscribers()
    await registered(world)
    await world.deposit(alice)
    world.endpoint.answering.clear()
    turn = asyncio.create_task(world.delivery.drain())
    await world.endpoint.asked.wait()
    turn.cancel()
    await asyncio.wait([turn])
    assert turn.cancelled()
    world.endpoint.answering.set()
    await world.turns()  # and no time has passed
    assert world.endpoint.accepted == [f"{ALICE} message.deposited 1"]
