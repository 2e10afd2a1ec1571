# SPDX-License-Identifier: Apache-2.0
"""A message comes back from its deletion, and a mailbox moves to another number, against the real program."""

from __future__ import annotations

import asyncio
import imaplib

import pytest

from tests.process.clients import SPEECH, Api, Order, inbox
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program
from vvm.omtp.system import SystemSms

pytestmark = pytest.mark.process

SOMEONE = PEOPLE[0]
NEW = "+33612345699"
CALLER = "+33698765432"


def fetch(program: Program, status: SystemSms) -> dict[int, bytes]:
    """What a phone finds, by UID."""
    with inbox(program, status) as phone:
        return phone.whole()


def delete(program: Program, status: SystemSms, uid: int) -> None:
    with inbox(program, status) as phone:
        phone.mark([uid], "\\Deleted")
        phone.expunge()


def is_refused(program: Program, status: SystemSms) -> bool:
    try:
        fetch(program, status)
    except imaplib.IMAP4.error:
        return True
    return False


async def restore_the_only_one(api: Api, msisdn: str) -> int:
    _, listed = await api.call("GET", f"subscribers/{msisdn}/deleted")
    (deleted,) = listed["messages"]
    status, restored = await api.call("POST", f"subscribers/{msisdn}/deleted/{deleted['id']}/restore")
    assert (status, restored["folder"]) == (200, "INBOX")
    uid: int = restored["uid"]
    return uid


async def test_what_the_phone_deleted_comes_back_with_the_same_octets(
    program: Program, api: Api, handsets: Phones
) -> None:
    assert (await api.call("PUT", "cos/gold", json={"deleted_days": 7}))[0] == 201
    await api.change(SOMEONE, cos="gold")
    assert await api.deposit(Order(SOMEONE, CALLER)) == 1
    await handsets.until(lambda: handsets.synced[SOMEONE] == [1])
    phone = handsets.told[SOMEONE][-1]
    before = await asyncio.to_thread(fetch, program, phone)
    await asyncio.to_thread(delete, program, phone, 1)
    assert await asyncio.to_thread(fetch, program, phone) == {}
    await program.kill_and_restart()
    assert await restore_the_only_one(api, SOMEONE) == 2
    await handsets.until(lambda: handsets.updated[SOMEONE] == [1])
    assert await asyncio.to_thread(fetch, program, phone) == {2: before[1]}
    await program.kill_and_restart()
    assert await asyncio.to_thread(fetch, program, phone) == {2: before[1]}
    assert (await api.call("GET", f"subscribers/{SOMEONE}/deleted"))[1]["messages"] == []


async def test_a_mailbox_moves_to_another_number_in_mid_life(
    program: Program, api: Api, handsets: Phones
) -> None:
    await api.deposit(Order(SOMEONE, CALLER))
    await handsets.until(lambda: handsets.synced[SOMEONE] == [1])
    old = handsets.told[SOMEONE][-1]
    before = await asyncio.to_thread(fetch, program, old)
    status, after = await api.call(
        "POST", f"subscribers/{SOMEONE}/number", json={"msisdn": NEW, "reason": "ported"}
    )
    assert (status, after["status"]) == (200, "P")
    await handsets.until(lambda: bool(handsets.told[NEW]))
    assert handsets.told[NEW][-1].fields["st"] == "P"
    assert await asyncio.to_thread(is_refused, program, old)
    await program.kill_and_restart()
    await handsets.until(lambda: handsets.smsc.bound == 1)
    assert await handsets.ask(NEW, "Activate:pv=11;ct=test") == 0
    await handsets.until(lambda: handsets.told[NEW][-1].fields["st"] == "R")
    new = handsets.told[NEW][-1]
    assert new.fields["u"] != old.fields["u"]
    assert await asyncio.to_thread(fetch, program, new) == before
    late = await api.call("POST", f"subscribers/{SOMEONE}/messages", data=SPEECH)
    assert (late[0], late[1]["code"]) == (404, "unknown_subscriber")
    assert await api.deposit(Order(NEW, CALLER.replace("6", "7"))) == 2
    await handsets.until(lambda: handsets.synced[NEW] == [2])
    await api.add(SOMEONE)
    assert await api.messages(SOMEONE) == []
    assert await asyncio.to_thread(is_refused, program, old)
    assert len(handsets.told[SOMEONE]) == 1
