# SPDX-License-Identifier: Apache-2.0
"""The service is away: the dialplan greets and records, the spool agent delivers."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.peers.asterisk.front import eventually, serving
from tests.peers.asterisk.recorder import RecordingDepositor
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import Declined, SipCaller
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
    """The message files, as mailbox and name."""
    found = server.fallback.glob("*/INBOX/msg*")
    return sorted(f"{path.parents[1].name}/{path.name}" for path in found)


def well_numbered(names: list[str]) -> bool:
    """Every mailbox has its messages 0, 1, 2 …, each with text and audio."""
    boxes = Counter(name.partition("/")[0] for name in names)
    return names == sorted(
        f"{box}/msg{number:04d}.{kind}"
        for box, files in boxes.items()
        for number in range(files // 2)
        for kind in ("txt", "wav")
    )


def extensions(server: AsteriskServer) -> list[str]:
    """For whom the messages in the spool are."""
    texts = server.fallback.glob("*/INBOX/msg*.txt")
    return [parse_message_file(path.read_bytes()).extension for path in texts]


async def test_a_caller_is_greeted_and_recorded_and_the_message_delivered_when_the_service_returns(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    assert await leave_message(asterisk, speech.pcmu) > 500
    await eventually(lambda: inbox(asterisk) == ["01/msg0000.txt", "01/msg0000.wav"])
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
    await eventually(lambda: inbox(asterisk) == ["01/msg0000.txt", "01/msg0000.wav"])
    written = (asterisk.fallback / "01" / "INBOX" / "msg0000.txt").read_bytes()
    assert (parse_message_file(written).extension, parse_message_file(written).caller) == (BOB, None)
    assert ALICE.encode() not in written


async def test_forty_messages_that_end_together_while_the_spool_is_drained_keep_their_numbers(
    asterisk: AsteriskServer, speech: Speech
) -> None:
    """Every other subscriber's mailbox is full: what stays must be numbered as app_voicemail wants."""
    subscribers = [Msisdn(f"+336000000{index:02d}") for index in range(40)]
    full = subscribers[::2]
    deposit = RecordingDepositor()
    deposit.refused = {msisdn: MailboxFull(used=1, limit=1) for msisdn in full}
    async with serving(asterisk, deposit, ari="", spool=str(asterisk.spool), spool_every=0.01):
        for callers in (subscribers[:20], subscribers[20:]):
            async with asyncio.TaskGroup() as calls:
                for msisdn in callers:
                    calls.create_task(leave_message(asterisk, speech.pcmu[:12000], to=msisdn))
        await deposit.until_called(40)
        await eventually(lambda: len(inbox(asterisk)) == 2 * len(full) and well_numbered(inbox(asterisk)))
    delivered = [message.recipient for message in deposit.messages.values()]
    assert sorted(delivered) == sorted(set(subscribers) - set(full))
    assert sorted(extensions(asterisk)) == sorted(full)
    deposit.refused = {}
    async with serving(asterisk, deposit, ari="", spool=str(asterisk.spool), spool_every=0.1):
        await eventually(lambda: not inbox(asterisk))
    assert sorted(message.recipient for message in deposit.messages.values()) == subscribers
    said = samples(speech.wav)[:12000]
    assert min(likeness(said, samples(message.audio)) for message in deposit.messages.values()) > 0.8


async def test_one_caller_more_than_there_are_mailboxes_is_not_answered(
    asterisk_root: Path, speech: Speech
) -> None:
    server = AsteriskServer(asterisk_root, boxes=1)
    try:
        await server.start()
        async with SipCaller(server.sip_address, number=BOB) as first:
            await first.call(ALICE)
            with pytest.raises(Declined, match="503"):
                await leave_message(server, speech.pcmu[:16000])
            await first.until_quiet()
            await first.say(speech.pcmu[:16000])
            await first.hang_up()
        await eventually(lambda: len(inbox(server)) == 2)
        await leave_message(server, speech.pcmu[:16000])
        await eventually(lambda: len(inbox(server)) == 4 and well_numbered(inbox(server)))
    finally:
        await server.remove()
