# SPDX-License-Identifier: Apache-2.0

"""Notification: who is told, in which words, and how a notification ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.unit.services_world import ALICE, BOB, CALL, NOW, TWO_SECONDS, World
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause, Lane, Owed
from vvm.domain.subscriber import ClientProfile, ProvisioningStatus, SmsCoding, Subscriber
from vvm.services.login import Admitted
from vvm.services.notification import Notice
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import NotificationSettings, ServiceSettings
from vvm.store.port import Acceptance, Settlement, SubscriberChange

LONG = timedelta(hours=1)


async def deposited(world: World, status: ProvisioningStatus = ProvisioningStatus.READY) -> Subscriber:
    """A subscriber with one message that is not told yet."""
    alice = await world.subscriber(status)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    return alice


async def owe_status(world: World, subscriber: Subscriber, *, return_code: int = 0) -> None:
    await world.store.outbox.owe(
        [
            Owed(
                recipient=subscriber.msisdn,
                subscriber=subscriber.id,
                cause=Cause.STATUS,
                due_at=world.clock.now(),
                expires_at=world.clock.now() + LONG,
                return_code=return_code,
            )
        ]
    )


async def set_status(world: World, status: ProvisioningStatus) -> None:
    await world.store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, status=status))


async def one(world: World) -> Notice:
    (notice,) = await world.notification.lease(10)
    return notice


def reasons(logs: Sequence[Mapping[str, object]]) -> list[object]:
    return [log["reason"] for log in logs if log["event"] == "notification_not_sent"]


# SYNC


async def test_a_new_message_is_told_as_the_client_wants_it() -> None:
    world = World(service=ServiceSettings(imap_port=1143, service_number="777"))
    client = ClientProfile(port=5500, prefix="//MINE", coding=SmsCoding.GSM7)
    await world.subscriber(options=SubscriberOptions(client=client))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    notice = await one(world)
    assert notice.text.rstrip(";") == (
        "//MINE:SYNC:ev=NM;id=1;c=1;t=v;s=+33698765432;dt=01/03/2026 12:00 +0000;l=2"
    )
    assert (notice.coding, notice.port) == (SmsCoding.GSM7, 5500)
    assert (notice.source, notice.validity) == ("777", timedelta(hours=24))


async def test_the_count_is_that_of_the_moment_of_sending() -> None:
    world = World()
    alice = await deposited(world)
    assert len(await world.texts()) == 1
    await world.retrieval.mark(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.retrieval.mark(alice.mailbox, INBOX, [1], add=Flags(0), remove=Flags.SEEN)
    (text,) = await world.texts()
    assert text.startswith("//VVM:SYNC:ev=NM;id=2;c=2;")


# rows: SY-04 SY-14
async def test_messages_that_come_together_are_told_as_one_update_with_the_newest_count() -> None:
    world = World()
    alice = await deposited(world)
    for _ in range(2):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.retrieval.mark(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    assert await world.texts() == ["//VVM:SYNC:ev=MBU;c=2"]
    assert await world.owed() == []


async def test_a_second_message_waits_for_the_debounce_and_takes_the_third_with_it() -> None:
    world = World(notification=NotificationSettings(debounce_seconds=1.5))
    await deposited(world)
    assert [text.split(";")[0] for text in await world.texts()] == ["//VVM:SYNC:ev=NM"]
    for _ in range(2):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
        world.clock.advance(timedelta(seconds=0.5))
        assert await world.texts() == []
    world.clock.advance(timedelta(seconds=0.5))
    assert await world.texts() == ["//VVM:SYNC:ev=MBU;c=3"]


async def test_where_receipts_are_believed_the_next_sync_waits_for_the_receipt() -> None:
    world = World(notification=NotificationSettings(debounce_seconds=0, receipt_gate=("main",)))
    await deposited(world)
    notice = await one(world)
    await world.notification.sent(notice, smsc="main", last=Acceptance(1, 1, "m1"))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert await world.texts() == []
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.hints.outbox_moved(LONG))
        await asyncio.sleep(0)  # the worker sleeps until the receipt
        await world.notification.receipt("m1", Settlement.DELIVERED)
    assert await world.texts() == ["//VVM:SYNC:ev=MBU;c=3"]


async def test_a_receipt_that_never_comes_is_waited_for_only_so_long() -> None:
    settings = NotificationSettings(debounce_seconds=0, receipt_gate_minutes=90, receipt_gate=("main",))
    world = World(notification=settings)
    await deposited(world)
    assert len(await world.texts()) == 1
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    world.clock.advance(timedelta(minutes=90) - timedelta(microseconds=1))
    assert await world.texts() == []
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    world.clock.advance(timedelta(microseconds=1))
    assert await world.texts() == ["//VVM:SYNC:ev=MBU;c=3"]


async def test_what_is_old_already_does_not_expire_behind_a_gate() -> None:
    settings = NotificationSettings(debounce_seconds=0, sync_hours=2, receipt_gate=("main",))
    world = World(notification=settings)
    await deposited(world)
    notice = await one(world)
    await world.deposit(ALICE, TWO_SECONDS, CALL)  # waits beside the one that is being sent
    world.clock.advance(timedelta(seconds=30))
    await world.notification.sent(notice, smsc="main")
    (text,) = await world.texts()
    assert text.startswith("//VVM:SYNC:ev=NM;id=2;")


async def test_another_smsc_and_a_status_shut_no_gate() -> None:
    world = World(notification=NotificationSettings(debounce_seconds=0, receipt_gate=("other",)))
    alice = await deposited(world)
    await owe_status(world, alice)
    assert len(await world.texts()) == 2
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert len(await world.texts()) == 1


# rows: SY-09 PRV-05
@pytest.mark.parametrize(
    "status", [ProvisioningStatus.UNKNOWN, ProvisioningStatus.PROVISIONED, ProvisioningStatus.BLOCKED]
)
async def test_no_sync_goes_to_a_subscriber_without_an_active_client(status: ProvisioningStatus) -> None:
    world = World()
    await deposited(world)
    await world.subscriber(msisdn=BOB)
    await world.deposit(BOB, TWO_SECONDS, CALL)
    await set_status(world, status)
    with capture_logs() as logs:
        notices = await world.notification.lease(10)
    assert [notice.row.recipient for notice in notices] == [BOB]
    assert reasons(logs) == ["not_wanted"]
    assert len(await world.owed()) == 1  # Bob's; that of Alice is closed


@pytest.mark.parametrize("status", [ProvisioningStatus.NEW, ProvisioningStatus.READY])
async def test_an_active_client_hears_of_its_messages(status: ProvisioningStatus) -> None:
    world = World()
    await deposited(world, status)
    assert len(await world.texts()) == 1


async def test_a_message_that_is_gone_is_not_told() -> None:
    world = World()
    alice = await deposited(world)
    await world.retrieval.mark(alice.mailbox, INBOX, [1], add=Flags.DELETED, remove=Flags(0))
    await world.retrieval.expunge(alice.mailbox, INBOX, None)
    with capture_logs() as logs:
        assert await world.texts() == []
    assert reasons(logs) == ["not_wanted"]
    assert await world.owed() == []


async def test_what_expired_is_closed_and_not_sent() -> None:
    world = World(notification=NotificationSettings(sync_hours=2))
    await deposited(world)
    world.clock.advance(timedelta(hours=2))
    with capture_logs() as logs:
        assert await world.texts() == []
    assert reasons(logs) == ["expired"]
    assert await world.owed() == []


async def test_what_is_about_to_expire_is_sent() -> None:
    world = World(notification=NotificationSettings(sync_hours=2))
    await deposited(world)
    world.clock.advance(timedelta(hours=2) - timedelta(microseconds=1))
    assert len(await world.texts()) == 1


# STATUS


# rows: ST-03
async def test_status_carries_credentials_that_open_the_mailbox() -> None:
    world = World()
    alice = await world.subscriber()
    await owe_status(world, alice)
    notice = await one(world)
    told = dict(field.split("=", 1) for field in notice.text.split(":", 2)[2].rstrip(";").split(";"))
    assert (told["st"], told["rc"], told["ipt"]) == ("R", "0", "1143")
    assert await world.login(told["u"], told["pw"]) == Admitted(alice)
    assert notice.validity == timedelta(minutes=60)


async def test_status_says_what_holds_when_it_is_sent() -> None:
    world = World()
    alice = await world.subscriber()
    await owe_status(world, alice)
    await set_status(world, ProvisioningStatus.PROVISIONED)
    (text,) = await world.texts()
    assert text.startswith("//VVM:STATUS:st=P;rc=0;")


# rows: MO-13 PRV-05
@pytest.mark.parametrize(
    ("status", "return_code", "text"),
    [
        (ProvisioningStatus.BLOCKED, 0, "st=B;rc=0"),
        (ProvisioningStatus.BLOCKED, 5, "st=B;rc=5"),
        (ProvisioningStatus.UNKNOWN, 0, "st=U;rc=0"),
        (ProvisioningStatus.UNKNOWN, 5, "st=U;rc=5"),
        (ProvisioningStatus.READY, 1, "st=U;rc=1"),
    ],
)
async def test_a_failure_carries_no_credentials(
    status: ProvisioningStatus, return_code: int, text: str
) -> None:
    world = World()
    alice = await world.subscriber(status)
    await owe_status(world, alice, return_code=return_code)
    assert [told.rstrip(";") for told in await world.texts()] == [f"//VVM:STATUS:{text}"]


async def test_a_stranger_is_answered_as_the_service_supposes_clients_to_be() -> None:
    client = ClientProfile(port=0, prefix="//HOUSE")
    world = World(service=ServiceSettings(imap_port=1143, client=client))
    owed = Owed(BOB, None, Cause.STATUS, due_at=NOW, expires_at=NOW + LONG, return_code=3)
    await world.store.outbox.owe([owed])
    notice = await one(world)
    assert notice.text.rstrip(";") == "//HOUSE:STATUS:st=U;rc=3"
    assert (notice.row.recipient, notice.port) == (BOB, 0)


async def test_a_subscriber_whom_status_cannot_describe_holds_up_nobody() -> None:
    """A number and a domain may make an IMAP user name that is longer than u= may be."""
    world = World(service=ServiceSettings(imap_port=1143, domain=f"{'x' * 60}.example.net"))
    alice = await world.subscriber()
    await owe_status(world, alice)
    stranger = Owed(BOB, None, Cause.STATUS, due_at=NOW, expires_at=NOW + LONG, return_code=3)
    await world.store.outbox.owe([stranger])
    with capture_logs() as logs:
        notices = await world.notification.lease(10)
    assert [notice.row.recipient for notice in notices] == [BOB]
    assert reasons(logs) == ["failed"]
    assert [row.recipient for row in await world.owed()] == [BOB]


async def test_a_password_shows_in_no_repr_and_in_no_log() -> None:
    world = World()
    alice = await world.subscriber()
    password = world.keyring.open(alice.imap_user, alice.password_sealed).reveal()
    await owe_status(world, alice)
    with capture_logs() as logs:
        notice = await one(world)
        await world.notification.sent(notice, smsc="main")
    assert password in notice.text
    assert password not in repr(notice)
    assert password not in str(notice)
    assert password not in repr(logs)


# How it ends


async def test_a_leased_notification_is_nobody_elses_until_its_lease_ends() -> None:
    world = World(notification=NotificationSettings(lease_seconds=90))
    await deposited(world)
    first = await one(world)
    assert await world.texts() == []
    world.clock.advance(timedelta(seconds=90))
    again = await one(world)
    assert (again.row.id, again.row.attempt) == (first.row.id, 2)


async def test_what_was_sent_is_not_owed() -> None:
    world = World()
    await deposited(world)
    notice = await one(world)
    await world.notification.sent(notice, smsc="main", last=Acceptance(1, 1, "m1"))
    assert await world.owed() == []
    assert await world.notification.receipt("m1", Settlement.DELIVERED) is not None
    assert await world.notification.receipt("m2", Settlement.DELIVERED) is None


async def test_accepted_segments_are_known_to_the_next_attempt() -> None:
    world = World()
    await deposited(world)
    notice = await one(world)
    await world.notification.accepted(notice.row, Acceptance(1, 2, "m1"))
    await world.notification.retry(notice.row, after=timedelta(), smpp_status=0x58, counted=True)
    assert (await one(world)).row.accepted == frozenset({1})


async def test_a_retry_waits_as_long_as_it_was_told() -> None:
    world = World()
    await deposited(world)
    notice = await one(world)
    await world.notification.retry(notice.row, after=timedelta(seconds=30), smpp_status=0x14, counted=True)
    world.clock.advance(timedelta(seconds=30) - timedelta(microseconds=1))
    assert await world.texts() == []
    world.clock.advance(timedelta(microseconds=1))
    assert (await one(world)).row.attempt == 2


async def test_after_the_last_counted_attempt_it_is_a_dead_letter() -> None:
    world = World(notification=NotificationSettings(max_attempts=3))
    await deposited(world)
    attempts = []
    with capture_logs() as logs:
        while notices := await world.notification.lease(10):
            attempts.append(notices[0].row.attempt)
            await world.notification.retry(notices[0].row, after=timedelta(), smpp_status=0x58, counted=True)
    assert attempts == [1, 2, 3]
    assert reasons(logs) == ["failed"]
    assert await world.owed() == []


async def test_attempts_that_are_not_counted_make_no_dead_letter() -> None:
    world = World(notification=NotificationSettings(max_attempts=1))
    await deposited(world)
    for _ in range(5):
        notice = await one(world)
        assert notice.row.attempt == 1
        await world.notification.retry(notice.row, after=timedelta(), smpp_status=None, counted=False)


async def test_what_the_smsc_refuses_for_good_is_a_dead_letter() -> None:
    world = World()
    await deposited(world)
    notice = await one(world)
    with capture_logs() as logs:
        await world.notification.failed(notice.row, smpp_status=0x0B)
    assert reasons(logs) == ["failed"]
    assert [log["smpp_status"] for log in logs] == ["0x0000000b"]
    assert await world.owed() == []


# Waiting


async def test_who_waits_is_woken_by_a_hint() -> None:
    world = World()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.notification.moved(LONG))
        await asyncio.sleep(0)  # it waits now
        world.hints.outbox()


async def test_who_would_wait_while_something_is_due_does_not() -> None:
    world = World()
    await deposited(world)
    async with asyncio.timeout(10):
        await world.notification.moved(LONG)
        await world.notification.moved(LONG)


async def test_the_wait_ends_when_the_earliest_row_is_due() -> None:
    world = World()
    due_at = NOW + timedelta(milliseconds=20)
    await world.store.outbox.owe([Owed(BOB, None, Cause.STATUS, due_at=due_at, expires_at=NOW + LONG)])
    async with asyncio.timeout(10):
        await world.notification.moved(LONG)


async def test_the_wait_ends_with_its_time() -> None:
    world = World()
    async with asyncio.timeout(10):
        await world.notification.moved(timedelta(milliseconds=1))


async def test_what_was_owed_by_another_carrier_goes_by_the_one_of_today() -> None:
    """Its SMSC is another one."""
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    client = msgspec.structs.replace((await world.current()).client, carrier="blue")
    change = SubscriberChange(changed_at=world.clock.now(), client=client)
    await world.store.subscribers.change(ALICE, change)
    blue = Lane(frozenset({"blue"}), others=False)
    assert await world.notification.lease(10, lane=blue) == []
    assert await world.notification.lease(10) == []
    (notice,) = await world.notification.lease(10, lane=blue)
    assert (notice.row.carrier, notice.row.cause) == ("blue", Cause.MAILBOX_UPDATE)


async def test_what_no_smsc_saw_keeps_its_place_before_what_was_owed_later() -> None:
    world = World()
    for msisdn in (ALICE, BOB):
        await world.subscriber(msisdn=msisdn)
        await world.deposit(msisdn, TWO_SECONDS, CALL)
        world.clock.advance(timedelta(seconds=1))
    (first,) = await world.notification.lease(1)
    await world.notification.retry(first.row, after=timedelta(), smpp_status=None, counted=False)
    assert [notice.row.recipient for notice in await world.notification.lease(10)] == [ALICE, BOB]
