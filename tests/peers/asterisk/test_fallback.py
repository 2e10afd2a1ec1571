# SPDX-License-Identifier: Apache-2.0
"""The service is away: the dialplan greets and records, the spool agent delivers."""

from __future__ import annotations

import asyncio

import pytest

from tests.peers.asterisk.front import eventually, serving
from tests.peers.asterisk.recorder import RecordingDepositor
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import Speech, likeness, samples
from vvm.domain.errors import MailboxFull
from vvm.domain.numbers import Msisdn
from vvm.fronts.asterisk.message_file import parse_message_file

pytestmark = pytest.mark.peers

ALICE = "+33612345678"
BOB = "+33698765432"


async def leave_message(
    server: AsteriskServer,
    speech: bytes,
    *,
    to: str = ALICE,
    number: str = BOB,
    headers: tuple[str, ...] = (),
) -> float:
    """Call, listen, speak, hang up; returns how loud the greeting was."""
    async with SipCaller(server.sip_address, number=number) as phone:
        await phone.call(to, headers=headers)
        await phone.until_quiet()
        await phone.say(speech)
        await phone.hang_up()
        return phone.heard_loudness


def inbox(server: AsteriskServer) -> list[str]:
    """The names of the message files."""
    return sorted(path.name for path in (server.fallback / "INBOX").glob("msg*"))


def extensions(server: AsteriskServer) -> list[str]:
    """For whom the messages in the spool are."""
    texts = (server.fallback / "INBOX").glob("msg*.txt")
    return [parse_message_file(path.read_bytes()).extension for path in texts]


async def test_a_caller_is_greeted_and_recorded_and_the_message_delivered_when_the_service_returns(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    assert await leave_message(asterisk, speech.pcmu) > 500
    await eventually(lambda: inbox(asterisk) == ["msg0000.txt", "msg0000.wav"])
    deposit = RecordingDepositor()
    async with serving(asterisk, deposit, ari="", spool=str(asterisk.spool), spool_every=0.1):
        await deposit.until_called(1)
        await eventually(lambda: not inbox(asterisk))
    assert (deposit.only.recipient, deposit.only.envelope.caller) == (ALICE, BOB)
    assert likeness(samples(speech.wav), samples(deposit.only.audio)) > 0.95
    assert len(deposit.calls) == 1
    # The next message is number 0 again.  Its caller hides, so the number is not even in the file.
    hidden = ("Privacy: id", f"P-Asserted-Identity: <sip:{ALICE}@127.0.0.1>")
    await leave_message(asterisk, speech.pcmu[:16000], to=BOB, number=ALICE, headers=hidden)
    await eventually(lambda: inbox(asterisk) == ["msg0000.txt", "msg0000.wav"])
    written = (asterisk.fallback / "INBOX" / "msg0000.txt").read_bytes()
    assert (parse_message_file(written).extension, parse_message_file(written).caller) == (BOB, None)
    assert ALICE.encode() not in written


async def test_forty_messages_that_arrive_while_the_spool_is_drained_keep_their_numbers(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    """Every other subscriber's mailbox is full: what stays must be numbered as app_voicemail wants."""
    subscribers = [Msisdn(f"+336000000{index:02d}") for index in range(40)]
    full = subscribers[::2]
    deposit = RecordingDepositor()
    deposit.refused = {msisdn: MailboxFull(used=1, limit=1) for msisdn in full}
    async with serving(asterisk, deposit, ari="", spool=str(asterisk.spool), spool_every=0.01):
        async with asyncio.TaskGroup() as callers:
            for index, msisdn in enumerate(subscribers):
                # Some end together, some after another: every tenth of a second one more.
                spoken = speech.pcmu[: 12000 + 800 * (index % 10)]
                callers.create_task(leave_message(asterisk, spoken, to=msisdn))
        await deposit.until_called(40)
        left = [f"msg{number:04d}.{kind}" for number in range(len(full)) for kind in ("txt", "wav")]
        await eventually(lambda: inbox(asterisk) == left)
    delivered = [message.recipient for message in deposit.messages.values()]
    assert sorted(delivered) == sorted(set(subscribers) - set(full))
    assert sorted(extensions(asterisk)) == sorted(full)
    deposit.refused = {}
    async with serving(asterisk, deposit, ari="", spool=str(asterisk.spool), spool_every=0.1):
        await eventually(lambda: not inbox(asterisk))
    assert sorted(message.recipient for message in deposit.messages.values()) == subscribers
    said = samples(speech.wav)[:12000]
    assert min(likeness(said, samples(message.audio)) for message in deposit.messages.values()) > 0.8
