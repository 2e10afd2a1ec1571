# SPDX-License-Identifier: Apache-2.0
"""What a real caller hears: the greeting that a client uploaded, while it is on."""

from __future__ import annotations

from array import array
from base64 import encodebytes

import pytest

from tests.peers.asterisk.front import serving
from tests.peers.asterisk.recorder import RecordingDepositor
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import Speech, expand, likeness, samples
from tests.unit.services_world import ALICE, BOB, NOW, World
from vvm.domain.message import GREETINGS, Flags

pytestmark = pytest.mark.peers

LISTEN = {"media_listen": "127.0.0.1:0"}


async def heard(server: AsteriskServer, speech: Speech) -> array[int]:
    """Call, listen up to the beep's end, leave a message."""
    async with SipCaller(server.sip_address, number=BOB) as phone:
        await phone.call(ALICE)
        await phone.until_quiet()
        greeting = expand(bytes(phone.heard))
        await phone.say(speech.pcmu[:16_000])
        await phone.hang_up()
    return greeting


async def with_greeting(speech: Speech) -> World:
    """A subscriber whose client brought a greeting and switched it on."""
    world = World()
    alice = await world.subscriber()
    message = b"Content-Type: audio/wav\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encodebytes(
        speech.wav
    )
    await world.greetings.add(alice.mailbox, message, flags=Flags.GREETING_ON, received_at=NOW)
    return world


# rows: GRT-07
async def test_a_caller_hears_the_subscribers_greeting_until_it_is_switched_off(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    world, deposit = await with_greeting(speech), RecordingDepositor()
    own = samples(speech.wav)
    alice = await world.current()
    async with serving(asterisk, deposit, greetings=world.greetings, **LISTEN):
        assert likeness(own, await heard(asterisk, speech)) > 0.9
        assert likeness(own, await heard(asterisk, speech)) > 0.9, "the node's copy of it"
        await world.retrieval.mark(alice.mailbox, GREETINGS, [1], add=Flags(0), remove=Flags.GREETING_ON)
        assert likeness(own, await heard(asterisk, speech)) < 0.5
        await deposit.until_called(3)


async def test_a_greeting_that_the_node_cannot_fetch_costs_no_message(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    world, deposit = await with_greeting(speech), RecordingDepositor()
    nowhere = {"media_url": "http://127.0.0.1:9"}
    async with serving(asterisk, deposit, greetings=world.greetings, **LISTEN, **nowhere):
        assert len(await heard(asterisk, speech)) > 0
        await deposit.until_called(1)
