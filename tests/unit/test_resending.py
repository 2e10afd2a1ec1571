# SPDX-License-Identifier: Apache-2.0
"""An operator has a phone told once more: every kind, what is sent of it, and what the audit says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.command_line import command_line
from tests.unit.http_api import Api, api
from tests.unit.services_world import ALICE, BOB, CALL, TWO_SECONDS, World
from vvm.cli.main import Exit
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus
from vvm.services.resending import Kind, NothingToTell

PATH = f"/v1/subscribers/{ALICE}/notifications"
MINUTE = timedelta(minutes=1)
PLAIN = {Kind.MWI, Kind.MWI_CLEAR, Kind.TEXT}


@pytest.fixture
async def world() -> World:
    """Alice has an active client and two new messages, of which she was told."""
    world = World()
    await world.subscriber(ProvisioningStatus.READY)
    for _ in range(2):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def sent(world: World) -> tuple[str, int | None]:
    """Text and lamp of the only SMS that goes out."""
    world.clock.advance(MINUTE)
    (notice,) = await world.notification.lease(10)
    return notice.text, notice.waiting


@pytest.mark.parametrize(
    ("kind", "text", "lamp"),
    [
        (Kind.NEW_MESSAGE, "ev=NM;id=2;", None),
        (Kind.MAILBOX_UPDATE, "ev=MBU;", None),
        (Kind.GREETING_UPDATE, "ev=GU;", None),
        (Kind.STATUS, "STATUS:st=R;", None),
        (Kind.MWI, "", 2),
        (Kind.MWI_CLEAR, "", 0),
        (Kind.TEXT, "New voice messages: 2.", None),
    ],
)
async def test_each_kind_says_what_it_stands_for(
    http: Api, world: World, kind: Kind, text: str, lamp: int | None
) -> None:
    before = await world.current()
    answer = await http.call("POST", PATH, json={"kind": kind, "reason": "ticket 12"})
    assert answer.status == 204
    assert await world.current() == before
    *_, entry = await world.store.subscribers.audit(ALICE, limit=10)
    assert (entry.trigger, entry.before, entry.after) == (Trigger.RESENT, before.status, before.status)
    assert entry.reason == f"{kind}: ticket 12"
    events = [(one.event, one.what) for one in await world.timeline(ALICE)]
    assert {("transition", "resent"), ("owed", kind)} <= set(events)
    words, waiting = await sent(world)
    assert (text in words, waiting) == (True, lamp)


async def test_a_repeated_request_is_told_once(http: Api, world: World) -> None:
    for _ in range(2):
        headers = {"Idempotency-Key": "one"}
        answer = await http.call("POST", PATH, json={"kind": "mwi"}, headers=headers)
        assert answer.status == 204
    triggers = [entry.trigger for entry in await world.store.subscribers.audit(ALICE, limit=10)]
    assert triggers.count(Trigger.RESENT) == 1


async def test_a_new_message_joins_what_waits(world: World) -> None:
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.resending(ALICE, Kind.NEW_MESSAGE)
    text, _ = await sent(world)
    assert "ev=MBU" in text


async def test_the_later_word_about_the_lamp_counts(world: World) -> None:
    await world.resending(ALICE, Kind.MWI)
    await world.resending(ALICE, Kind.MWI_CLEAR)
    assert await sent(world) == ("", 0)


@pytest.mark.parametrize("kind", sorted(set(Kind) - PLAIN))
async def test_no_client_is_told_that_is_not_there(world: World, kind: Kind) -> None:
    await world.on_behalf.deactivate(ALICE)
    with pytest.raises(NothingToTell, match="no client"):
        await world.resending(ALICE, kind)


@pytest.mark.parametrize("kind", sorted(PLAIN))
async def test_the_phone_of_who_has_no_client_is_told(world: World, kind: Kind) -> None:
    await world.on_behalf.deactivate(ALICE)
    await world.texts()
    await world.resending(ALICE, kind)
    await sent(world)
    await world.subscribers_status(ProvisioningStatus.BLOCKED)
    with pytest.raises(NothingToTell, match="blocked"):
        await world.resending(ALICE, kind)


async def test_what_an_empty_mailbox_cannot_tell_is_refused(http: Api, world: World) -> None:
    for uid in (1, 2):
        await world.desk.delete(ALICE, uid)
    for kind in ("new_message", "text"):
        answer = await http.call("POST", PATH, json={"kind": kind})
        assert answer.problem == (409, "nothing_to_tell")
    with pytest.raises(UnknownSubscriber):
        await world.resending(BOB, Kind.MWI)
    for body in ({"kind": "morse"}, {}, {"kind": "mwi", "to": BOB}):
        assert (await http.call("POST", PATH, json=body)).problem == (400, "bad_request")


def test_by_hand_a_number_needs_a_kind_and_an_id_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with command_line(tmp_path, monkeypatch, capsys) as vvm:
        vvm("subscriber", "add", ALICE)
        told = vvm("notification", "resend", ALICE, "--kind", "mwi", "--reason", "lamp", "--json")
        assert told.document == {"msisdn": ALICE, "kind": "mwi"}
        entry, *_ = vvm("subscriber", "audit", ALICE, "--json").rows
        assert (entry["trigger"], entry["reason"]) == ("resent", "mwi: lamp")
        assert vvm("notification", "resend", ALICE, "--kind", "status").code == Exit.REFUSED
        assert vvm("notification", "resend", "1").code == Exit.REFUSED
        assert vvm("notification", "resend", ALICE).code == Exit.USAGE
        assert vvm("notification", "resend", "1", "--kind", "mwi").code == Exit.USAGE
        assert vvm("notification", "resend", "1", "--reason", "lamp").code == Exit.USAGE
