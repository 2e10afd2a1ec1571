# SPDX-License-Identifier: Apache-2.0
"""Asterisk 16 keeps its voicemail in our mailbox by IMAP, and the handset has proper voice messages of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from tests.dialogues.product_world import MASTER, PRODUCT_WORLDS, ProductWorld
from tests.dialogues.world import Credentials, Standing
from tests.peers.asterisk import packages
from tests.peers.asterisk.imap_storage import MENUS, ImapStorageAsterisk
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import Speech, likeness, samples
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId
from vvm.message.audio.transcode import AudioLimits, to_wav
from vvm.message.reader import ReadLimits, read_message
from vvm.services.greetings import audio_of
from vvm.store.port import MessageRecord

pytestmark = pytest.mark.peers

ALICE = Msisdn("+33612345678")
BOX = "1001"
CALLER = "+33698765432"
_SECONDS = 20.0


class Site(msgspec.Struct, frozen=True):
    """A PBX, the server that keeps its voicemail, and a subscriber of both."""

    asterisk: ImapStorageAsterisk
    world: ProductWorld
    credentials: Credentials
    mailbox: MailboxId

    async def until(self, folder: str, holds: Callable[[list[MessageRecord]], bool]) -> list[MessageRecord]:
        """The messages of a folder, as soon as they are what is waited for."""
        mailboxes = self.world.store.mailboxes
        found: list[MessageRecord] = []
        moved = asyncio.Event()
        stop = self.world.hints.watch(self.mailbox, moved.set)
        try:
            async with asyncio.timeout(_SECONDS):
                while True:
                    moved.clear()
                    uids = [state.uid for state in await mailboxes.states(self.mailbox, folder)]
                    found = list(await mailboxes.messages(self.mailbox, folder, uids))
                    if holds(found):
                        return found
                    await moved.wait()
        except TimeoutError:
            raise AssertionError(f"{folder} holds {found}\n{self.asterisk.console()[-3000:]}") from None
        finally:
            stop()

    async def leave_message(self, speech: bytes) -> None:
        async with SipCaller(self.asterisk.sip_address, number=CALLER) as phone:
            await phone.call(BOX)
            await phone.until_quiet()
            await phone.say(speech)
            await phone.hang_up()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    root = packages.asterisk(packages.WITH_IMAP)
    async with PRODUCT_WORLDS["product on sqlite"]() as world:
        credentials = await world.provide(ALICE, messages=0, standing=Standing.ACTIVE)
        owner = await world.store.subscribers.by_msisdn(ALICE)
        assert owner is not None
        asterisk = ImapStorageAsterisk(
            root,
            imap_port=world.tls_port,
            master_password=MASTER.password,
            mailboxes={BOX: ALICE.removeprefix("+")},
        )
        try:
            await asterisk.start()
            yield Site(asterisk, world, credentials, owner.mailbox)
        finally:
            await asterisk.remove()


async def test_a_call_is_a_voice_message_for_the_handset_and_for_the_menus(
    site: Site, speech: Speech
) -> None:
    store = site.world.store
    await site.leave_message(speech.pcmu)
    (message,) = await site.until(INBOX, lambda found: len(found) == 1)
    assert (message.kind, message.caller, message.flags) == (Kind.VOICE, CALLER, Flags(0))
    assert message.seconds == pytest.approx(speech.seconds, abs=2)
    handsets = await store.mailboxes.octets(site.mailbox, INBOX, message.uid)
    assert handsets is not None
    audio = audio_of(read_message(handsets, ReadLimits()))
    assert audio.startswith(b"#!AMR\n")
    heard = samples(to_wav(audio, AudioLimits(max_seconds=60)))
    assert likeness(samples(speech.wav), heard) > 0.9
    original = await store.mailboxes.octets(site.mailbox, INBOX, message.uid, originals=True)
    assert original is not None
    assert b"X-Asterisk-VM-Extension: 1001" in original
    assert (await store.outbox.counts()).owed == 1

    # The menus play it, which marks it, and delete it at the end of the call.
    async with SipCaller(site.asterisk.sip_address, number=CALLER) as phone:
        await phone.call(f"{MENUS}{BOX}")
        await phone.until_heard(1.0)
        await phone.press("1")
        await site.until(INBOX, lambda found: [each.flags for each in found] == [Flags.SEEN])
        await phone.press("7")
        await phone.until_heard(len(phone.heard) / 8000 + 1.0)  # "message deleted"
        await phone.hang_up()
    await site.until(INBOX, lambda found: not found)
    assert await store.mailboxes.octets(site.mailbox, INBOX, message.uid, originals=True) is None


async def test_what_the_handset_deletes_is_gone_from_the_menus(site: Site, speech: Speech) -> None:
    store = site.world.store
    for _ in range(2):
        await site.leave_message(speech.pcmu[:24000])
    first, second = await site.until(INBOX, lambda found: len(found) == 2)
    nothing = Flags(0)
    await store.mailboxes.change_flags(site.mailbox, INBOX, [first.uid], add=Flags.DELETED, remove=nothing)
    await store.mailboxes.expunge(site.mailbox, INBOX, [first.uid])
    async with SipCaller(site.asterisk.sip_address, number=CALLER) as phone:
        await phone.call(f"{MENUS}{BOX}")
        await phone.until_heard(1.0)
        await phone.press("1")
        (left,) = await site.until(INBOX, lambda found: [each.flags for each in found] == [Flags.SEEN])
        await phone.hang_up()
    assert left.uid == second.uid


async def test_a_greeting_that_is_recorded_at_the_pbx_is_the_one_that_is_on(
    site: Site, speech: Speech
) -> None:
    async with SipCaller(site.asterisk.sip_address, number=CALLER) as phone:
        await phone.call(f"{MENUS}{BOX}")
        await phone.until_heard(1.0)
        await phone.press("0")  # mailbox options
        await phone.until_heard(2.0)
        await phone.press("1")  # record the unavailable message
        await phone.until_quiet()
        await phone.say(speech.pcmu[: 2 * 8000])  # callers' greetings are short here
        await phone.press("#")
        await phone.until_quiet()
        await phone.press("1")  # accept
        (greeting,) = await site.until(GREETINGS, lambda found: len(found) == 1)
        await phone.hang_up()
    assert (greeting.kind, greeting.flags) == (Kind.NORMAL_GREETING, Flags.GREETING_ON)
    octets = await site.world.store.mailboxes.octets(site.mailbox, GREETINGS, greeting.uid)
    assert octets is not None
    heard = samples(to_wav(audio_of(read_message(octets, ReadLimits())), AudioLimits(max_seconds=60)))
    assert likeness(samples(speech.wav)[: 2 * 8000], heard) > 0.9
