# SPDX-License-Identifier: Apache-2.0
"""A client brings a greeting; callers hear the one that is on."""

from __future__ import annotations

import wave
from base64 import encodebytes
from io import BytesIO

import pytest

from tests.unit.audio_samples import wav
from tests.unit.services_world import ALICE, BOB, NOW, HintsHeard, World
from vvm.domain.errors import BadAudio, MailboxFull
from vvm.domain.message import GREETINGS, Flags, Kind
from vvm.domain.subscriber import Subscriber
from vvm.message.audio import amr
from vvm.message.reader import Unreadable
from vvm.services.greetings import UnfitGreeting
from vvm.services.settings import ServiceSettings
from vvm.store.port import GREETINGS_LIMIT

ON, OFF = Flags.GREETING_ON, Flags(0)
SHORT = ServiceSettings(imap_port=1143, greeting_seconds=3, signature_seconds=2)
FRAME = b"\x7c"
"""AMR-NB: 20 ms of nothing."""


def sound(seconds: int) -> bytes:
    return amr.MAGIC + FRAME * (50 * seconds)


def seconds_of(heard: bytes) -> float:
    """By the standard library, which reads what a media server reads."""
    with wave.open(BytesIO(heard)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return file.getnframes() / 8000


def greeting(audio: bytes, *, kind: str | None = None) -> bytes:
    named = b"" if kind is None else b"X-CNS-Greeting-Type: %b\r\n" % kind.encode()
    return (
        named + b"Content-Type: audio/amr\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encodebytes(audio)
    )


async def add(world: World, subscriber: Subscriber, octets: bytes, flags: Flags = OFF) -> int:
    stored = await world.greetings.add(subscriber.mailbox, octets, flags=flags, received_at=NOW)
    return stored.uid


async def test_a_greeting_is_kept_octet_by_octet() -> None:
    world = World()
    alice = await world.subscriber()
    octets = greeting(sound(2))
    uid = await add(world, alice, octets, ON | Flags.SEEN)
    assert await world.store.mailboxes.octets(alice.mailbox, GREETINGS, uid) == octets
    (record,) = await world.store.mailboxes.messages(alice.mailbox, GREETINGS, [uid])
    assert (record.kind, record.flags, record.seconds) == (Kind.NORMAL_GREETING, ON | Flags.SEEN, 2)
    assert record.received_at == NOW


# rows: GRT-09
@pytest.mark.parametrize("kind", ["voice-signature", "Voice-Signature"])
async def test_its_type_is_what_it_says(kind: str) -> None:
    world = World()
    alice = await world.subscriber()
    uid = await add(world, alice, greeting(sound(1), kind=kind))
    (record,) = await world.store.mailboxes.messages(alice.mailbox, GREETINGS, [uid])
    assert record.kind is Kind.VOICE_SIGNATURE


# rows: GRT-06
@pytest.mark.parametrize(
    ("kind", "seconds", "fits"),
    [
        ("normal-greeting", 3, True),
        ("normal-greeting", 4, False),
        ("voice-signature", 2, True),
        ("voice-signature", 3, False),
    ],
)
async def test_its_length_has_the_limit_of_its_type(kind: str, seconds: int, fits: bool) -> None:
    world = World(service=SHORT)
    alice = await world.subscriber()
    octets = greeting(sound(seconds), kind=kind)
    if fits:
        assert await add(world, alice, octets) == 1
    else:
        with pytest.raises(UnfitGreeting):
            await add(world, alice, octets)
        assert await world.store.mailboxes.states(alice.mailbox, GREETINGS) == []


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"Subject: hello\r\n\r\ntext", UnfitGreeting),
        (b"", UnfitGreeting),
        (greeting(sound(1), kind="birthday"), UnfitGreeting),
        (greeting(b"not audio at all"), BadAudio),
        (greeting(b""), BadAudio),
        (b"Content-Type: audio/amr\r\nContent-Transfer-Encoding: x-own\r\n\r\nabc", Unreadable),
    ],
)
async def test_what_is_no_greeting_is_refused(octets: bytes, error: type[Exception]) -> None:
    world = World()
    alice = await world.subscriber()
    with pytest.raises(error):
        await add(world, alice, octets)
    assert await world.store.mailboxes.states(alice.mailbox, GREETINGS) == []


async def test_a_full_folder_takes_no_greeting() -> None:
    world = World()
    alice = await world.subscriber()
    for _ in range(GREETINGS_LIMIT):
        await add(world, alice, greeting(sound(1)))
    with pytest.raises(MailboxFull):
        await add(world, alice, greeting(sound(1)))


async def test_other_sessions_are_woken() -> None:
    world = World()
    alice = await world.subscriber()
    heard = HintsHeard(world, alice.mailbox)
    await add(world, alice, greeting(sound(1)))
    assert heard.count == 1


# rows: GRT-07
async def test_callers_hear_the_greeting_that_is_on() -> None:
    world = World()
    alice = await world.subscriber()
    await add(world, alice, greeting(wav(seconds=1.0)))
    await add(world, alice, greeting(wav(seconds=2.0)), ON)
    heard = await world.greetings.audio(ALICE)
    assert heard is not None
    assert seconds_of(heard) == pytest.approx(2.0, abs=0.05)


# rows: GRT-07
async def test_after_its_end_callers_hear_the_system() -> None:
    world = World()
    alice = await world.subscriber()
    uid = await add(world, alice, greeting(sound(2)), ON)
    await world.retrieval.mark(alice.mailbox, GREETINGS, [uid], add=Flags.DELETED, remove=OFF)
    await world.retrieval.expunge(alice.mailbox, GREETINGS, None)
    assert await world.greetings.audio(ALICE) is None


async def test_a_signature_alone_is_no_greeting() -> None:
    world = World()
    alice = await world.subscriber()
    await add(world, alice, greeting(sound(1), kind="voice-signature"), ON)
    assert await world.greetings.audio(ALICE) is None


async def test_who_is_not_served_has_no_greeting() -> None:
    assert await World().greetings.audio(BOB) is None


async def test_any_audio_that_is_read_becomes_what_callers_can_hear() -> None:
    world = World()
    alice = await world.subscriber()
    await add(world, alice, greeting(wav(seconds=1.0)), ON)
    heard = await world.greetings.audio(ALICE)
    assert heard is not None
    assert seconds_of(heard) == pytest.approx(1.0, abs=0.05)
