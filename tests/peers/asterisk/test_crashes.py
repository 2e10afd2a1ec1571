# SPDX-License-Identifier: Apache-2.0
"""Whatever dies in the middle of a call, what the caller said arrives, once."""

from __future__ import annotations

import pytest

from tests.peers.asterisk.front import doomed, eventually, serving
from tests.peers.asterisk.recorder import RecordingDepositor
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import Speech, likeness, samples

pytestmark = pytest.mark.peers

ALICE = "+33612345678"
BOB = "+33698765432"


async def test_a_service_killed_during_a_recording_takes_it_in_at_its_next_start(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with doomed(asterisk) as process, SipCaller(asterisk.sip_address, number=BOB) as phone:
        await phone.call(ALICE)
        await phone.until_quiet()
        await phone.say(speech.pcmu[:16000])
        process.kill()
        await process.wait()
        await phone.say(speech.pcmu[16000:])
        await phone.hang_up()
    async with serving(asterisk, deposit):
        await deposit.until_called(1)
        await eventually(lambda: not asterisk.recordings)
    assert (deposit.only.recipient, deposit.only.envelope.caller) == (ALICE, BOB)
    assert likeness(samples(speech.wav), samples(deposit.only.audio)) > 0.95
    assert len(deposit.calls) == 1


async def test_a_recording_that_still_goes_on_at_the_next_start_is_waited_for(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with SipCaller(asterisk.sip_address, number=BOB) as phone:
        async with serving(asterisk, deposit):
            await phone.call(ALICE)
            await phone.until_quiet()
            await phone.say(speech.pcmu[:8000])
        async with serving(asterisk, deposit, recover_every=0.05):
            await phone.say(speech.pcmu[8000:])
            assert not deposit.calls
            await phone.hang_up()
            await deposit.until_called(1)
            await eventually(lambda: not asterisk.recordings)
    assert likeness(samples(speech.wav), samples(deposit.only.audio)) > 0.95
    assert len(deposit.calls) == 1


async def test_a_caller_left_in_the_greeting_is_given_to_the_fallback_by_the_next_start(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with SipCaller(asterisk.sip_address, number=BOB) as phone:
        async with doomed(asterisk) as process:
            await phone.call(ALICE)
            await phone.until_heard(0.2)
            process.kill()
            await process.wait()
        await phone.until_quiet()  # the greeting ends, and nothing follows
        async with serving(asterisk, deposit, spool=str(asterisk.spool), spool_every=0.1):
            await phone.until_quiet()
            await phone.say(speech.pcmu[:16000])
            await phone.hang_up()
            await deposit.until_called(1)
    assert (deposit.only.recipient, deposit.only.envelope.caller) == (ALICE, BOB)
    assert deposit.calls[0].startswith("spool/")


async def test_a_caller_in_the_greeting_is_given_to_the_fallback_when_the_service_stops(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with SipCaller(asterisk.sip_address, number=BOB) as phone:
        async with serving(asterisk, deposit):
            await phone.call(ALICE)
            await phone.until_heard(0.2)
        await phone.until_quiet()
        await phone.say(speech.pcmu[:16000])
        await phone.hang_up()
    await eventually((asterisk.fallback / "01" / "INBOX" / "msg0000.txt").exists)
    assert not asterisk.recordings


async def test_a_node_killed_during_a_recording_gives_up_what_it_had_written(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit, reconnect_seconds=0.1, reconnect_max_seconds=0.2):
        async with SipCaller(asterisk.sip_address, number=BOB) as phone:
            await phone.call(ALICE)
            await phone.until_quiet()
            await phone.say(speech.pcmu)
            await asterisk.kill()
        await asterisk.start()
        await deposit.until_called(1)
        await eventually(lambda: not asterisk.recordings)
    assert (deposit.only.recipient, deposit.only.envelope.caller) == (ALICE, BOB)
    assert likeness(samples(speech.wav), samples(deposit.only.audio)) > 0.9
    assert len(deposit.calls) == 1


async def test_calls_are_served_again_after_the_node_was_restarted(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit, reconnect_seconds=0.1, reconnect_max_seconds=0.2) as front:
        await asterisk.stop()
        await eventually(lambda: not front.connected)
        await asterisk.start()
        await front.wait_connected()
        async with SipCaller(asterisk.sip_address, number=BOB) as phone:
            await phone.call(ALICE)
            await phone.until_quiet()
            await phone.say(speech.pcmu[:12000])
            await phone.hang_up()
        await deposit.until_called(1)
    assert deposit.only.recipient == ALICE
