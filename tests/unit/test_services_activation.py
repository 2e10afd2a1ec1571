# SPDX-License-Identifier: Apache-2.0

"""Activation: what each client SMS does in each status, and the one STATUS that answers it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
import structlog

from tests.unit.services_world import ALICE, BOB, CALL, NOW, TWO_SECONDS, World
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ClientProfile, ProvisioningStatus, Subscriber
from vvm.omtp.client import Activate, Deactivate, StatusRequest
from vvm.omtp.status import ReturnCode
from vvm.services.activation import Reaction, learned, react
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import NotificationSettings
from vvm.store.port import NewInbound

NEW, READY = ProvisioningStatus.NEW, ProvisioningStatus.READY
PROVISIONED, UNKNOWN = ProvisioningStatus.PROVISIONED, ProvisioningStatus.UNKNOWN
BLOCKED = ProvisioningStatus.BLOCKED

SUCCESS, NOT_PROVISIONED = ReturnCode.SUCCESS, ReturnCode.NOT_PROVISIONED
ACTIVATE = Activate(protocol_version=12, client_type="X", port=5499, prefix="//VVM")


async def subscriber(status: ProvisioningStatus, *, setup_done: bool = True) -> Subscriber:
    return await World().subscriber(status, options=SubscriberOptions(setup_done=setup_done))


# rows: PRV-01 PRV-03 MO-11 MO-14 ST-03
@pytest.mark.parametrize(
    ("request_", "setup_done", "before", "after", "return_code"),
    [
        (ACTIVATE, True, PROVISIONED, READY, SUCCESS),
        (ACTIVATE, False, PROVISIONED, NEW, SUCCESS),
        (ACTIVATE, True, NEW, NEW, SUCCESS),
        (ACTIVATE, False, READY, READY, SUCCESS),
        (ACTIVATE, True, UNKNOWN, None, NOT_PROVISIONED),
        (ACTIVATE, True, BLOCKED, None, NOT_PROVISIONED),
        (Deactivate(), True, READY, PROVISIONED, SUCCESS),
        (Deactivate(), True, NEW, PROVISIONED, SUCCESS),
        (Deactivate(), True, PROVISIONED, PROVISIONED, SUCCESS),
        (Deactivate(), True, UNKNOWN, None, NOT_PROVISIONED),
        (Deactivate(), True, BLOCKED, None, NOT_PROVISIONED),
        *((StatusRequest(), True, status, None, SUCCESS) for status in ProvisioningStatus),
    ],
)
async def test_each_request_in_each_status(
    request_: Activate | Deactivate | StatusRequest,
    setup_done: bool,
    before: ProvisioningStatus,
    after: ProvisioningStatus | None,
    return_code: ReturnCode,
) -> None:
    reaction = react(request_, await subscriber(before, setup_done=setup_done))
    assert (reaction.status, reaction.return_code) == (after, return_code)


# rows: MO-14
async def test_a_status_request_teaches_nothing() -> None:
    for status in ProvisioningStatus:
        assert react(StatusRequest(), await subscriber(status)) == Reaction(SUCCESS)


async def test_a_refused_activate_teaches_nothing() -> None:
    for status in (UNKNOWN, BLOCKED):
        assert react(ACTIVATE, await subscriber(status)) == Reaction(NOT_PROVISIONED)


# rows: MO-12
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Activate(), {}),
        (Activate(protocol_version=13), {"protocol_version": 13}),
        (Activate(client_type="new.client"), {"client_type": "new.client"}),
        (Activate(port=20481), {"port": 20481}),
        (Activate(port=0), {"port": 0}),
        (Activate(prefix="//ANDROID"), {"prefix": "//ANDROID"}),
        (
            Activate(protocol_version=11, client_type="c", port=1, prefix="//P", device_type=6),
            {"protocol_version": 11, "client_type": "c", "port": 1, "prefix": "//P"},
        ),
    ],
)
def test_what_a_request_does_not_say_stays(request_: Activate, expected: dict[str, object]) -> None:
    known = ClientProfile(protocol_version=12, client_type="old.client", port=5500, prefix="//OLD")
    assert learned(request_, known) == msgspec.structs.replace(known, **expected)


# rows: MO-10
@pytest.mark.parametrize("status", ProvisioningStatus)
@pytest.mark.parametrize("text", ["Activate:pv=11;ct=X", "Deactivate:pv=11;ct=X", "STATUS", "Status:dt=6"])
async def test_every_client_sms_has_one_status_for_an_answer(status: ProvisioningStatus, text: str) -> None:
    world = World()
    alice = await world.subscriber(status)
    await world.sms_from_handset(text)
    (row,) = await world.owed()
    assert (row.cause, row.recipient, row.subscriber) == (Cause.STATUS, ALICE, alice.id)
    assert row.expires_at == NOW + timedelta(minutes=60)
    assert await world.activation.drain() == 0


# rows: PRV-01 ST-03 MO-02 MO-12
async def test_activate_changes_status_and_client_and_is_answered_with_credentials() -> None:
    world = World()
    await world.subscriber(PROVISIONED)
    world.clock.advance(timedelta(minutes=5))
    await world.sms_from_handset("Activate:pv=12;ct=my.client;pt=5500;//MINE")
    alice = await world.current()
    assert (alice.status, alice.changed_at) == (READY, world.clock.now())
    assert alice.client == ClientProfile(
        protocol_version=12, client_type="my.client", port=5500, prefix="//MINE"
    )
    (text,) = await world.texts()
    assert text.startswith("//MINE:STATUS:st=R;rc=0;")
    assert f";u={alice.imap_user};" in text


# rows: PRV-01 ST-03
async def test_a_subscriber_with_the_tutorial_before_it_becomes_new() -> None:
    world = World()
    await world.subscriber(PROVISIONED, options=SubscriberOptions(setup_done=False))
    await world.sms_from_handset("Activate:pv=11;ct=X")
    assert (await world.current()).status is NEW
    (text,) = await world.texts()
    assert text.startswith("//VVM:STATUS:st=N;rc=0;")


# rows: PRV-02
async def test_who_is_done_with_the_tutorial_is_ready_at_the_next_activation() -> None:
    world = World()
    await world.subscriber(NEW, options=SubscriberOptions(setup_done=False))
    await world.provisioning.change(ALICE, SubscriberOptions(setup_done=True))
    await world.sms_from_handset("Deactivate:pv=11;ct=X")
    await world.sms_from_handset("Activate:pv=11;ct=X")
    assert (await world.current()).status is READY


# rows: MO-11
async def test_a_repeated_activate_keeps_mailbox_and_password() -> None:
    world = World()
    before = await world.subscriber(PROVISIONED)
    texts = []
    for _ in range(2):
        await world.sms_from_handset("Activate:pv=11;ct=X")
        texts += await world.texts()
    after = await world.current()
    assert texts[0] == texts[1]
    assert (after.id, after.mailbox) == (before.id, before.mailbox)
    assert (after.password_check, after.password_sealed) == (before.password_check, before.password_sealed)


# rows: PRV-03 SY-10
async def test_after_deactivate_the_phone_hears_of_no_message() -> None:
    world = World()
    await world.subscriber(READY)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.sms_from_handset("Deactivate:pv=11;ct=X")
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert (await world.current()).status is PROVISIONED
    texts = await world.texts()
    assert [text.split(";")[0] for text in texts] == ["//VVM:STATUS:st=P"]


# rows: MO-13
@pytest.mark.parametrize("request_text", ["Activate:pv=11;ct=X", "Deactivate:pv=11;ct=X", "STATUS"])
async def test_a_stranger_is_told_that_it_has_no_mailbox(request_text: str) -> None:
    world = World()
    await world.sms_from_handset(request_text)
    (text,) = await world.texts()
    assert text.rstrip(";") == "//VVM:STATUS:st=U;rc=3"
    with pytest.raises(UnknownSubscriber):
        await world.current()


# rows: MO-13
async def test_a_refused_request_is_answered_without_credentials() -> None:
    world = World()
    await world.subscriber(UNKNOWN)
    await world.sms_from_handset("Activate:pv=11;ct=X")
    (text,) = await world.texts()
    assert text.startswith("//VVM:STATUS:st=U;rc=5")
    assert "pw=" not in text
    assert "u=" not in text


# rows: MO-15
@pytest.mark.parametrize("version", ["9", "100", "-1", "999999999999", "eleven", ""])
async def test_an_odd_protocol_version_does_not_spoil_the_activation(version: str) -> None:
    world = World()
    await world.subscriber(PROVISIONED)
    await world.sms_from_handset(f"Activate:pv={version};ct={'c' * 31};pt=70000")
    alice = await world.current()
    assert alice.status is READY
    assert 10 <= alice.client.protocol_version <= 99
    assert alice.client.client_type == "c" * 30
    assert 0 <= alice.client.port <= 0xFFFF


# rows: MO-16
@pytest.mark.parametrize("text", ["", "Hello", "STATE?", "Activate now", "\0\0", "x" * 5000, "Käse:a=b"])
async def test_what_is_no_request_is_closed_without_an_answer(text: str) -> None:
    world = World()
    before = await world.subscriber(PROVISIONED)
    await world.sms_from_handset(text)
    assert await world.current() == before
    assert await world.owed() == []
    assert await world.store.inbound.pending(limit=1) == []


async def test_the_log_does_not_repeat_what_was_written_to_a_person() -> None:
    world = World()
    await world.subscriber(READY)
    with structlog.testing.capture_logs() as events:
        await world.sms_from_handset("Goodbye")
    (event,) = [event for event in events if event["event"] == "client_sms_ignored"]
    assert "goodbye" not in str(event).lower()


# rows: MO-17
async def test_the_subscriber_is_whom_the_smsc_asserts() -> None:
    world = World()
    await world.subscriber(PROVISIONED)
    await world.subscriber(PROVISIONED, msisdn=BOB)
    await world.sms_from_handset(f"Activate:pv=11;ct=X;u={ALICE};msisdn={ALICE}", originator=BOB)
    assert (await world.current(ALICE)).status is PROVISIONED
    assert (await world.current(BOB)).status is READY
    assert [row.recipient for row in await world.owed()] == [BOB]


@pytest.mark.parametrize("originator", ["0612345678", "612345678", "5511", "", "ALICE", "+0612345678"])
async def test_an_originator_that_is_no_international_number_is_ignored(originator: str) -> None:
    world = World()
    before = await world.subscriber(PROVISIONED)
    await world.sms_from_handset("Activate:pv=11;ct=X", originator=originator)
    assert await world.current() == before
    assert await world.owed() == []
    assert await world.store.inbound.pending(limit=1) == []


async def test_what_waits_is_settled_in_the_order_of_arrival_and_wakes_the_outbox() -> None:
    world = World()
    await world.subscriber(PROVISIONED)
    for key, text in enumerate(("Activate:pv=11;ct=X", "Deactivate:pv=11;ct=X", "Activate:pv=12;ct=Y")):
        await world.store.inbound.save(
            NewInbound(key=str(key), originator=ALICE, destination="5511", text=text, received_at=NOW)
        )
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.hints.outbox_moved(timedelta(hours=1)))
        assert await world.activation.drain() == 3
    alice = await world.current()
    assert (alice.status, alice.client.client_type) == (READY, "Y")
    (text,) = await world.texts()  # the newest STATUS says it all
    assert text.startswith("//VVM:STATUS:st=R;rc=0;")


# rows: MO-10 MO-11
async def test_a_storm_of_requests_has_one_answer_at_once_and_one_later() -> None:
    world = World(notification=NotificationSettings(status_spacing_seconds=5))
    await world.subscriber(PROVISIONED)
    await world.sms_from_handset("Activate:pv=11;ct=X")
    assert len(await world.texts()) == 1
    for _ in range(100):
        await world.sms_from_handset("STATUS")
        assert await world.texts() == []
    world.clock.advance(timedelta(seconds=5))
    assert len(await world.texts()) == 1
    assert await world.owed() == []


# rows: MO-18
async def test_no_answer_waits_longer_than_the_spacing_which_is_far_from_a_minute() -> None:
    world = World(notification=NotificationSettings())
    await world.subscriber(PROVISIONED)
    await world.sms_from_handset("Activate:pv=11;ct=X")
    assert await world.store.outbox.next_due(now=NOW) == NOW
    assert len(await world.texts()) == 1
    await world.sms_from_handset("STATUS")
    due_at = await world.store.outbox.next_due(now=NOW)
    assert due_at is not None
    assert due_at - NOW <= timedelta(seconds=10)
