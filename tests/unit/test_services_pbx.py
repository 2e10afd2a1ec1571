# SPDX-License-Identifier: Apache-2.0
"""What Asterisk's voicemail stores: a deposit for the handset, and its own mail for Asterisk."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from imap_server.abilities import NewMessage
from imap_server.auth.conversation import ActsForOthers
from imap_server.backend import Denied, Ended, NotAllowed, Peer
from tests.unit.asterisk_mail import asterisk_mail
from tests.unit.audio_samples import wav
from tests.unit.imap_front import backend
from tests.unit.services_world import ALICE, NOW, World
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ProvisioningStatus
from vvm.fronts.imap.account import FilingAccount
from vvm.services.settings import MasterSettings

PBX = Peer("192.0.2.7", tls=True, connection_id=1)
PASSWORD = "master's own"


async def asterisk(world: World, identity: str = ALICE, peer: Peer = PBX) -> FilingAccount:
    account = await backend(world).login_as(identity, "asterisk", PASSWORD, peer)
    assert isinstance(account, FilingAccount)
    return account


def mail(octets: bytes, *flags: str) -> list[NewMessage]:
    return [NewMessage(octets, frozenset(flags), None)]


async def test_a_mail_with_sound_is_a_voice_message_for_the_handset() -> None:
    world = World()
    owner = await world.subscriber()
    account = await asterisk(world)
    appended = await account.append(INBOX, mail(asterisk_mail(wav(seconds=2.0)), "\\Flagged"))
    assert appended is not None
    assert appended.uids == (1,)
    (record,) = await world.store.mailboxes.messages(owner.mailbox, INBOX, [1])
    assert (record.kind, record.caller, record.seconds) == (Kind.VOICE, "+15559999", 2)
    assert record.received_at == datetime(2026, 11, 22, 23, 26, 20, tzinfo=UTC)
    assert record.flags is Flags.FLAGGED
    octets = await world.store.mailboxes.octets(owner.mailbox, INBOX, 1)
    assert octets is not None
    assert b"Content-Type: audio/amr" in octets
    assert b"X-Asterisk" not in octets
    (owed,) = await world.store.outbox.lease(now=NOW, lease=NOW - NOW, limit=10)
    assert (owed.cause, owed.uid) == (Cause.NEW_MESSAGE, 1)


async def test_asterisk_reads_what_it_wrote() -> None:
    world = World()
    await world.subscriber()
    account = await asterisk(world)
    sent = asterisk_mail(wav(seconds=2.0))
    await account.append(INBOX, mail(sent))
    inbox = await account.select(INBOX)
    assert inbox is not None
    (record,) = await inbox.messages([1])
    assert record.size == len(sent)
    assert b"X-Asterisk-VM-Extension: 1001" in record.header
    assert [part.number for part in record.parts] == ["1", "2"]
    assert b'("audio" "x-wav" ("name" "msg0000.wav")' in record.body_structure.lower().replace(b"NIL", b"nil")
    assert await inbox.read(1) == sent


@pytest.mark.parametrize(
    ("kind", "expected", "on"),
    [
        ("unavail", Kind.NORMAL_GREETING, True),
        ("greet", Kind.VOICE_SIGNATURE, True),
        ("busy", Kind.NORMAL_GREETING, False),
        ("temp", Kind.NORMAL_GREETING, False),
    ],
)
async def test_a_greeting_recorded_there_is_heard_here(kind: str, expected: Kind, *, on: bool) -> None:
    world = World()
    owner = await world.subscriber()
    sent = asterisk_mail(wav(seconds=1.0), kind=kind)
    await (await asterisk(world)).append(GREETINGS, mail(sent))
    (record,) = await world.store.mailboxes.messages(owner.mailbox, GREETINGS, [1])
    assert (record.kind, Flags.GREETING_ON in record.flags) == (expected, on)
    assert await world.store.mailboxes.octets(owner.mailbox, GREETINGS, 1) == sent


@pytest.mark.parametrize(
    "octets",
    [b"Subject: no sound\r\n\r\nnothing\r\n", asterisk_mail(b"RIFF"), asterisk_mail(wav(seconds=0.1))],
)
async def test_what_is_no_message_is_refused_and_leaves_nothing(octets: bytes) -> None:
    world = World()
    owner = await world.subscriber()
    with pytest.raises(NotAllowed):
        await (await asterisk(world)).append(INBOX, mail(octets))
    assert await world.store.mailboxes.states(owner.mailbox, INBOX) == []


@pytest.mark.parametrize("time", ["", "soon", "99999999999", "-5"])
async def test_a_time_that_is_none_is_that_of_the_append(time: str) -> None:
    world = World()
    owner = await world.subscriber()
    when = datetime(2026, 3, 7, tzinfo=UTC)
    octets = asterisk_mail(wav(seconds=1.0), time=time, caller="unknown")
    await (await asterisk(world)).append(INBOX, [NewMessage(octets, frozenset(), when)])
    (record,) = await world.store.mailboxes.messages(owner.mailbox, INBOX, [1])
    assert (record.received_at, record.caller) == (when, None)


async def test_it_needs_no_activation_and_ends_with_the_service() -> None:
    world = World()
    await world.subscriber(ProvisioningStatus.PROVISIONED)
    account = await asterisk(world, ALICE.removeprefix("+"))
    assert await account.status(INBOX) is not None
    await world.subscribers_status(ProvisioningStatus.BLOCKED)
    with pytest.raises(Ended):
        await account.status(INBOX)
    with pytest.raises(Denied):
        await asterisk(world)


@pytest.mark.parametrize(
    ("identity", "user", "password", "address"),
    [
        (ALICE, "asterisk", "wrong", "192.0.2.7"),
        (ALICE, "other", PASSWORD, "192.0.2.7"),
        (ALICE, "asterisk", PASSWORD, "198.51.100.1"),
        (ALICE, "asterisk", PASSWORD, "::2"),
        (ALICE, "asterisk", PASSWORD, "unix"),
        ("+33699999999", "asterisk", PASSWORD, "192.0.2.7"),
        ("nobody", "asterisk", PASSWORD, "192.0.2.7"),
    ],
)
async def test_who_is_not_the_master_opens_nothing(
    identity: str, user: str, password: str, address: str
) -> None:
    world = World()
    await world.subscriber()
    with pytest.raises(Denied):
        await backend(world).login_as(identity, user, password, Peer(address, tls=True, connection_id=1))


async def test_an_address_is_the_same_in_both_of_its_forms() -> None:
    world = World()
    await world.subscriber()
    await asterisk(world, peer=Peer("::ffff:192.0.2.7", tls=True, connection_id=1))


def test_the_password_shows_in_no_traceback() -> None:
    assert "secret" not in repr(MasterSettings(user="a", password="secret"))
    assert isinstance(backend(World()), ActsForOthers)
