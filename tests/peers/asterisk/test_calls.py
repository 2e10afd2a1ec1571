# SPDX-License-Identifier: Apache-2.0
"""Real calls through a real Asterisk to the depositor."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.peers.asterisk.front import eventually, serving, settings_for
from tests.peers.asterisk.recorder import RecordingDepositor
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import Declined, SipCaller
from tests.peers.asterisk.speech import Speech, likeness, samples
from vvm.domain.clock import SystemClock
from vvm.domain.errors import MessageTooShort, Outage, UnknownSubscriber
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.service import AsteriskFront

pytestmark = pytest.mark.peers

ALICE = Msisdn("+33612345678")
BOB = Msisdn("+33698765432")
CAROL = "+33611111111"


async def leave_message(
    server: AsteriskServer, speech: bytes, *, to: str = ALICE, number: str = BOB, **how: str
) -> None:
    """Call, listen to the greeting, speak after the beep, hang up."""
    async with SipCaller(server.sip_address, number=number, identity=how.get("identity", "")) as phone:
        await phone.call(to, headers=tuple(filter(None, how.get("headers", "").split("\n"))))
        await phone.until_quiet()
        await phone.say(speech)
        await phone.hang_up()


async def test_the_shipped_configuration_loads_without_an_error(asterisk: AsteriskServer) -> None:
    assert "modules will be loaded" in asterisk.console()
    assert "ERROR" not in asterisk.console()


async def test_a_message_is_delivered_as_it_was_spoken_and_then_deleted(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    before = SystemClock().now().replace(microsecond=0)
    async with serving(asterisk, deposit):
        await leave_message(asterisk, speech.pcmu)
        await deposit.until_called(1)
        await eventually(lambda: not asterisk.recordings)
    message = deposit.only
    assert (message.recipient, message.envelope.caller) == (ALICE, BOB)
    assert before <= message.envelope.received_at <= SystemClock().now()
    heard = samples(message.audio)
    assert len(heard) / 8000 == pytest.approx(speech.seconds, abs=2.0)
    assert likeness(samples(speech.wav), heard) > 0.95
    assert len(deposit.calls) == 1


async def test_a_caller_who_hangs_up_during_the_greeting_leaves_nothing(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit, greeting="sound:vm-intro"):
        async with SipCaller(asterisk.sip_address, number=BOB) as phone:
            await phone.call(ALICE)
            await phone.until_heard(0.5)
            await phone.hang_up()
        # The next call is served, and is the only one that left something.
        async with SipCaller(asterisk.sip_address, number=CAROL) as phone:
            await phone.call(ALICE)
            await phone.until_quiet()
            await phone.say(speech.pcmu[:8000])
            await phone.hang_up()
        await deposit.until_called(1)
        await eventually(lambda: not asterisk.recordings)
    assert deposit.only.envelope.caller == CAROL


async def test_callers_at_the_same_time_do_not_mix(asterisk: AsteriskServer, speech: Speech) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit):
        async with asyncio.TaskGroup() as callers:
            callers.create_task(leave_message(asterisk, speech.pcmu))
            callers.create_task(leave_message(asterisk, speech.pcmu[::-1], to=BOB, number=CAROL))
        await deposit.until_called(2)
        await eventually(lambda: not asterisk.recordings)
    found = {message.recipient: message for message in deposit.messages.values()}
    assert {to: message.envelope.caller for to, message in found.items()} == {ALICE: BOB, BOB: CAROL}
    said = samples(speech.wav)
    assert likeness(said, samples(found[ALICE].audio)) > 0.95
    assert likeness(said[::-1], samples(found[BOB].audio)) > 0.95


@pytest.mark.parametrize(
    "how",
    [
        {"identity": '"Anonymous" <sip:anonymous@anonymous.invalid>'},
        {"headers": f"Privacy: id\nP-Asserted-Identity: <sip:{BOB}@127.0.0.1>"},
    ],
    ids=["anonymous", "privacy"],
)
async def test_a_restricted_number_is_not_told(
    asterisk: AsteriskServer, speech: Speech, how: dict[str, str]
) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit):
        await leave_message(asterisk, speech.pcmu[:12000], **how)
        await deposit.until_called(1)
    assert deposit.only.envelope.caller is None
    assert BOB.removeprefix("+") not in deposit.calls[0]


async def test_a_call_to_the_pilot_number_is_for_whoever_forwarded_it(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit):
        forwarded = "Diversion: <sip:0612345678@127.0.0.1>;reason=no-answer"
        await leave_message(asterisk, speech.pcmu[:12000], to="5511", headers=forwarded)
        await deposit.until_called(1)
    assert deposit.only.recipient == ALICE


@pytest.mark.parametrize("number", ["5511", "+0123456789"], ids=["nobody", "malformed"])
async def test_a_call_without_a_subscriber_is_declined(asterisk: AsteriskServer, number: str) -> None:
    async with (
        serving(asterisk, RecordingDepositor()),
        SipCaller(asterisk.sip_address, number=BOB) as phone,
    ):
        with pytest.raises(Declined) as declined:
            await phone.call(number)
        assert declined.value.status == 404


async def test_a_recording_that_reaches_its_limit_is_delivered_and_the_caller_hung_up(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with (
        serving(asterisk, deposit, max_seconds=2),
        SipCaller(asterisk.sip_address, number=BOB) as phone,
    ):
        await phone.call(ALICE)
        await phone.until_quiet()
        await phone.say(speech.pcmu)
        await phone.until_hung_up()
        await deposit.until_called(1)
    # The limit has cut the speech; how far Asterisk overshoots it is the machine's matter.
    assert 1.5 < len(samples(deposit.only.audio)) / 8000 < speech.seconds - 1


async def test_during_an_outage_of_the_service_the_recording_waits(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    deposit.failure = Outage("the store is away")
    async with serving(asterisk, deposit, recover_every=0.1):
        await leave_message(asterisk, speech.pcmu[:12000])
        await deposit.until_called(3)
        assert len(asterisk.recordings) == 1
        deposit.failure = None
        await eventually(lambda: not asterisk.recordings)
    assert deposit.only.recipient == ALICE
    assert len(set(deposit.calls)) == 1


async def test_a_message_for_nobody_is_kept_and_does_not_hold_up_the_others(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    deposit.failure = UnknownSubscriber()
    async with serving(asterisk, deposit, recover_every=0.1):
        await leave_message(asterisk, speech.pcmu[:12000])
        await deposit.until_called(1)
        deposit.failure = None
        await leave_message(asterisk, speech.pcmu[:12000], to=BOB)
        await deposit.until_called(2)
        await eventually(lambda: len(asterisk.recordings) == 1)
    assert deposit.only.recipient == BOB
    # Dozens of looks have passed it by: a refusal is not asked again at once.
    assert len(deposit.calls) == 2
    deposit.calls.clear()
    async with serving(asterisk, deposit):  # the operator has added the subscriber, and restarts
        await deposit.until_called(1)
        await eventually(lambda: not asterisk.recordings)
    assert {message.recipient for message in deposit.messages.values()} == {ALICE, BOB}


async def test_a_call_that_the_service_cannot_serve_goes_on_to_the_fallback(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit, greeting="sound:no-such-file"):
        await leave_message(asterisk, speech.pcmu[:16000])
    await eventually((asterisk.fallback / "01" / "INBOX" / "msg0000.txt").exists)
    assert not deposit.calls


async def test_a_wrong_password_keeps_the_front_away_and_is_not_logged(asterisk: AsteriskServer) -> None:
    wrong = Secret("wrong horse")
    front = AsteriskFront(settings_for(asterisk), wrong, RecordingDepositor(), clock=SystemClock())
    with capture_logs() as logs:
        task = asyncio.create_task(front.run())
        await eventually(lambda: any(entry["event"] == "ari_not_connected" for entry in logs))
        task.cancel()
        await asyncio.wait([task])
    assert not front.connected
    assert "401" in str(logs)
    assert "horse" not in str(logs)


async def test_a_recording_with_nothing_said_is_deleted(asterisk: AsteriskServer, speech: Speech) -> None:
    deposit = RecordingDepositor()
    deposit.failure = MessageTooShort("nothing but silence")
    async with serving(asterisk, deposit):
        await leave_message(asterisk, speech.pcmu[:4000])
        await deposit.until_called(1)
        await eventually(lambda: not asterisk.recordings)
    assert not deposit.messages
