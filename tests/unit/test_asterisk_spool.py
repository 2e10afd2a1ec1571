# SPDX-License-Identifier: Apache-2.0
"""The spool is emptied into the service, and nothing is lost when the service says no."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from tests.peers.asterisk.recorder import RecordingDepositor
from tests.unit.test_asterisk_folder import put
from vvm.domain.clock import FixedClock
from vvm.domain.errors import MessageTooShort, Outage, UnknownSubscriber, VvmError
from vvm.domain.numbers import Msisdn
from vvm.fronts.asterisk.depositor import Delivery, Outcome
from vvm.fronts.asterisk.settings import AsteriskSettings
from vvm.fronts.asterisk.spool import SpoolAgent

ANSWER_SECONDS = 20.0
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class World:
    """A spool with a mailbox of the fallback, an agent, and a clock."""

    def __init__(self, spool: Path, *, every: float = 5.0) -> None:
        self.context = spool / "voicemail" / "vvm"
        self.inbox = self.context / "01" / "INBOX"
        self.clock = FixedClock(NOW)
        self.deposit = RecordingDepositor()
        self.delivery = Delivery(self.deposit, self.clock, retry_after=timedelta(minutes=15), seconds=5)
        settings = AsteriskSettings(
            spool=str(spool), system_name="node-1", max_seconds=300, spool_every=every
        )
        self.agent = SpoolAgent(settings, self.delivery, self.clock)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.inbox.glob("msg*"))


async def test_a_message_is_delivered_under_a_key_that_names_it_and_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "1795387537-00000001")
    await world.agent.drain()
    assert world.deposit.calls == ["spool/node-1/vvm/01/1795387537-00000001"]
    assert world.deposit.only.recipient == "+33612345678"
    assert world.deposit.only.audio == b"1795387537-00000001"
    assert world.deposit.only.envelope.caller == "+33698765432"
    assert world.deposit.only.envelope.received_at == datetime.fromtimestamp(1795387537, UTC)
    assert world.left() == []


async def test_every_folder_that_app_voicemail_deposits_into_is_drained(tmp_path: Path) -> None:
    world = World(tmp_path)
    for identity, folder in enumerate(("INBOX", "Urgent", "Old")):
        put(world.inbox.parent / folder, 0, str(identity))
    await world.agent.drain()
    assert len(world.deposit.messages) == 3


async def test_a_context_that_had_no_message_yet_is_empty(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.agent.drain()
    assert (world.deposit.calls, world.agent.waiting) == ([], 0)


async def test_a_spool_that_is_not_there_is_told_once_counted_and_drained_when_it_appears(
    tmp_path: Path,
) -> None:
    spool = tmp_path / "spool"
    world = World(spool, every=0.0)
    with structlog.testing.capture_logs() as events:
        async with asyncio.timeout(ANSWER_SECONDS), asyncio.TaskGroup() as group:
            running = group.create_task(world.agent.run())
            while world.agent.failures < 3:  # noqa: ASYNC110 - the agent tells nobody of its looks
                await asyncio.sleep(0)
            put(world.inbox, 0, "late")
            await world.deposit.until_called(1)
            running.cancel()
    told = [event for event in events if event["event"] == "spool_not_drained"]
    assert [event["reason"] for event in told] == [f"{spool}: No such file or directory"]


async def test_what_stays_in_the_spool_is_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "first")
    world.deposit.failure = Outage("away")
    await world.agent.drain()
    assert world.agent.waiting == 1
    world.deposit.failure = None
    await world.agent.drain()
    assert world.agent.waiting == 0


async def test_an_outage_keeps_the_message_for_the_next_look(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "first")
    world.deposit.failure = Outage("away")
    await world.agent.drain()
    assert "msg0000.txt" in world.left()
    world.deposit.failure = None
    await world.agent.drain()
    assert world.left() == []
    assert world.deposit.calls == ["spool/node-1/vvm/01/first"] * 2


async def test_a_refused_message_stays_and_is_asked_again_only_after_a_while(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "refused")
    world.deposit.failure = UnknownSubscriber()
    await world.agent.drain()
    world.deposit.failure = None
    await world.agent.drain()
    assert len(world.deposit.calls) == 1
    world.clock.advance(timedelta(minutes=15))
    await world.agent.drain()
    assert world.left() == []
    assert world.delivery.counts == {Outcome.REFUSED: 1, Outcome.DELIVERED: 1}


async def test_a_defect_met_by_one_message_does_not_hold_up_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "poison")
    put(world.inbox, 1, "good")
    text = world.inbox / "msg0000.txt"
    text.write_text(text.read_text().replace("+33612345678", "+33611111111"))
    world.deposit.refused = {Msisdn("+33611111111"): VvmError("a defect is neither refusal nor outage")}
    await world.agent.drain()
    assert world.deposit.only.recipient == "+33612345678"
    assert world.left() == ["msg0000.WAV", "msg0000.txt", "msg0000.wav"]


async def test_a_delivered_message_that_cannot_be_removed_is_not_delivered_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "stuck")
    with monkeypatch.context() as disk:
        disk.setattr(Path, "unlink", _read_only)
        await world.agent.drain()
    await world.agent.drain()
    assert world.deposit.calls == ["spool/node-1/vvm/01/stuck"]
    world.clock.advance(timedelta(minutes=15))
    await world.agent.drain()
    assert world.left() == []
    assert len(world.deposit.messages) == 1


def _read_only(path: Path, *, missing_ok: bool = False) -> None:
    """A disk that takes no change."""
    raise PermissionError(path)


async def test_what_says_nothing_is_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "breath")
    world.deposit.failure = MessageTooShort("silence")
    await world.agent.drain()
    assert world.left() == []
    assert world.delivery.counts == {Outcome.WORTHLESS: 1}


async def test_a_message_for_nobody_or_without_audio_stays(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world.inbox, 0, "mute", kinds=())
    put(world.inbox, 1, "stray")
    text = world.inbox / "msg0001.txt"
    text.write_text(text.read_text().replace("+33612345678", "s"))
    await world.agent.drain()
    assert world.deposit.calls == []
    assert world.delivery.counts == {Outcome.REFUSED: 2}
    assert {"msg0000.txt", "msg0001.txt", "msg0001.wav"} <= set(world.left())


def leave_behind(tmp: Path, *, age: timedelta) -> None:
    """What a killed Asterisk leaves in tmp/: an empty text and audio without sizes in its header."""
    tmp.mkdir(parents=True)
    (tmp / "NphsoM").touch()
    audio = tmp / "NphsoM.wav"
    audio.write_bytes(b"RIFF" + bytes(400))
    written = (NOW - age).timestamp()
    os.utime(audio, (written, written))


async def test_what_a_killed_node_left_of_a_subscriber_is_delivered(tmp_path: Path) -> None:
    world = World(tmp_path)
    tmp = world.context / "33612345678" / "tmp"
    leave_behind(tmp, age=timedelta(hours=1))
    await world.agent.drain()
    assert world.deposit.only.recipient == "+33612345678"
    assert world.deposit.only.envelope.caller is None
    assert list(tmp.iterdir()) == []


async def test_what_may_still_be_recorded_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    leave_behind(world.context / "33612345678" / "tmp", age=timedelta(minutes=9))
    await world.agent.drain()
    assert world.deposit.calls == []


async def test_what_a_killed_node_left_of_nobody_is_kept_and_said_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    tmp = world.context / "01" / "tmp"
    leave_behind(tmp, age=timedelta(hours=1))
    await world.agent.drain()
    await world.agent.drain()
    assert world.delivery.counts == {Outcome.REFUSED: 1}
    assert len(list(tmp.iterdir())) == 2
