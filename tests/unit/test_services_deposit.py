# SPDX-License-Identifier: Apache-2.0
"""Deposit: what is taken is in the mailbox with its SYNC owed; what is refused leaves no trace."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.audio_samples import wav
from tests.unit.services_world import ALICE, BOB, CALL, CALLER, NOW, TWO_SECONDS, HintsHeard, World
from vvm.domain.errors import (
    BadAudio,
    MailboxFull,
    MessageTooShort,
    Outage,
    Refusal,
    TooLarge,
    UnknownSubscriber,
)
from vvm.domain.message import INBOX, Envelope, Flags, Kind
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.message.audio.transcode import Voice
from vvm.services.deposit import Deposited
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import DepositSettings
from vvm.store.port import MessageRecord

LONG = timedelta(hours=1)


async def only_message(world: World, alice: Subscriber) -> MessageRecord:
    (state,) = await world.store.mailboxes.states(alice.mailbox, INBOX)
    (record,) = await world.store.mailboxes.messages(alice.mailbox, INBOX, [state.uid])
    return record


async def assert_no_trace(world: World, alice: Subscriber) -> None:
    folder = await world.store.mailboxes.folder(alice.mailbox, INBOX)
    assert folder is not None
    assert (folder.messages, folder.uid_next) == (0, 1)
    assert await world.owed() == []


async def test_a_deposit_is_an_unseen_voice_message() -> None:
    world = World()
    alice = await world.subscriber()
    assert await world.deposit(ALICE, TWO_SECONDS, CALL) == Deposited(uid=1, seconds=2, created=True)
    record = await only_message(world, alice)
    assert (record.kind, record.caller, record.seconds) == (Kind.VOICE, CALLER, 2)
    assert (record.flags, record.received_at) == (Flags(0), NOW)


async def test_the_stored_layout_describes_the_stored_octets() -> None:
    world = World()
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    record = await only_message(world, alice)
    octets = await world.store.mailboxes.octets(alice.mailbox, INBOX, 1)
    assert octets is not None
    assert record.size == len(octets)
    assert octets.startswith(record.layout.header)
    assert record.layout.header.endswith(b"\r\n\r\n")
    assert b"Content-Duration: 2\r\n" in record.layout.header
    (audio,) = record.layout.parts
    assert b"audio/amr" in octets[audio.mime_start : audio.body_start].lower()


async def test_a_deposit_owes_one_sync_of_its_uid() -> None:
    world = World()
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (row,) = await world.owed()
    assert (row.cause, row.recipient, row.subscriber, row.uid) == (Cause.NEW_MESSAGE, ALICE, alice.id, 1)
    assert row.expires_at == NOW + timedelta(hours=24)


async def test_a_deposit_wakes_the_mailbox_and_the_outbox() -> None:
    world = World()
    alice = await world.subscriber()
    heard = HintsHeard(world, alice.mailbox)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.hints.outbox_moved(LONG))
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert heard.count == 1


async def test_a_restricted_caller_is_not_invented() -> None:
    world = World()
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, Envelope(caller=None, received_at=NOW))
    record = await only_message(world, alice)
    assert record.caller is None
    assert b"anonymous@" in record.layout.header


@pytest.mark.parametrize(
    "status",
    [ProvisioningStatus.PROVISIONED, ProvisioningStatus.NEW, ProvisioningStatus.BLOCKED],
)
async def test_a_subscriber_without_an_active_client_still_gets_messages(
    status: ProvisioningStatus,
) -> None:
    world = World()
    await world.subscriber(status)
    assert (await world.deposit(ALICE, TWO_SECONDS, CALL)).created


async def test_a_repeated_deposit_adds_nothing_and_wakes_nobody() -> None:
    world = World()
    alice = await world.subscriber()
    first = await world.deposit(ALICE, TWO_SECONDS, CALL, key="recording-1")
    heard = HintsHeard(world, alice.mailbox)
    again = await world.deposit(ALICE, TWO_SECONDS, CALL, key="recording-1")
    assert again == Deposited(uid=first.uid, seconds=2, created=False)
    assert len(await world.owed()) == 1
    assert heard.count == 0
    await only_message(world, alice)


def message_id(record: MessageRecord) -> bytes:
    return next(line for line in record.layout.header.split(b"\r\n") if line.startswith(b"Message-ID:"))


async def test_a_key_names_the_message_id_of_its_recipient() -> None:
    """A deposit that is repeated after a loss of the store is the same message to a client."""
    ids: dict[tuple[str | None, str], bytes] = {}
    for key, recipient in (("k", ALICE), ("k", ALICE), ("k", BOB), ("other", ALICE), (None, ALICE)):
        world = World()
        subscriber = await world.subscriber(msisdn=recipient)
        await world.deposit(recipient, TWO_SECONDS, CALL, key=key)
        made = message_id(await only_message(world, subscriber))
        assert ids.setdefault((key, recipient), made) == made
    assert len(set(ids.values())) == len(ids) == 4


async def test_deposits_without_a_key_have_message_ids_of_their_own() -> None:
    world = World()
    alice = await world.subscriber()
    for _ in range(2):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    first, second = await world.store.mailboxes.messages(alice.mailbox, INBOX, [1, 2])
    assert message_id(first) != message_id(second)


@pytest.mark.parametrize(
    ("audio", "refusal"),
    [
        (b"", BadAudio),
        (b"this is not audio", BadAudio),
        (wav(seconds=0.5), MessageTooShort),
        (wav(seconds=2.0, amplitude=0.0), MessageTooShort),
        (wav(seconds=2.0, amplitude=0.0005), MessageTooShort),
        (b"x" * 50_001, TooLarge),
    ],
    ids=["empty", "no audio", "too short", "digital silence", "below the silence level", "too large"],
)
async def test_what_is_no_message_is_refused_and_leaves_no_trace(
    audio: bytes, refusal: type[Refusal]
) -> None:
    world = World(deposit=DepositSettings(max_bytes=50_000))
    alice = await world.subscriber()
    heard = HintsHeard(world, alice.mailbox)
    with pytest.raises(refusal):
        await world.deposit(ALICE, audio, CALL, key="k")
    await assert_no_trace(world, alice)
    assert heard.count == 0
    assert (await world.deposit(ALICE, TWO_SECONDS, CALL, key="k")).created


async def test_soft_speech_is_no_silence() -> None:
    world = World()
    await world.subscriber()
    assert (await world.deposit(ALICE, wav(seconds=2.0, amplitude=0.01), CALL)).created


async def test_audio_of_the_largest_size_is_taken() -> None:
    world = World(deposit=DepositSettings(max_bytes=len(TWO_SECONDS)))
    await world.subscriber()
    assert (await world.deposit(ALICE, TWO_SECONDS, CALL)).created


@pytest.mark.parametrize("served", [True, False], ids=["status U", "no such number"])
async def test_a_number_without_the_service_takes_no_message(
    served: bool,
) -> None:
    world = World()
    if served:
        await world.subscriber(ProvisioningStatus.UNKNOWN)
    with pytest.raises(UnknownSubscriber):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert await world.owed() == []


async def test_a_full_mailbox_refuses_and_wakes_nobody() -> None:
    world = World()
    alice = await world.subscriber(options=SubscriberOptions(max_messages=1))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    heard = HintsHeard(world, alice.mailbox)
    with pytest.raises(MailboxFull, match="1 of 1"):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert heard.count == 0
    assert len(await world.owed()) == 1


async def test_after_an_outage_the_same_deposit_may_be_repeated() -> None:
    async def away(audio: bytes) -> Voice:
        raise Outage("no worker answers")

    world = World(transcoder=away)
    alice = await world.subscriber()
    with pytest.raises(Outage):
        await world.deposit(ALICE, TWO_SECONDS, CALL, key="k")
    await assert_no_trace(world, alice)


async def test_too_much_audio_never_reaches_the_transcoder() -> None:
    async def must_not_run(audio: bytes) -> Voice:
        raise AssertionError

    world = World(deposit=DepositSettings(max_bytes=10), transcoder=must_not_run)
    await world.subscriber()
    with pytest.raises(TooLarge):
        await world.deposit(ALICE, b"x" * 11, CALL)
