# SPDX-License-Identifier: Apache-2.0
"""Each leg of a message's way is measured, by carrier and SMSC, whatever process sees its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sms_gateway.smpp.pdu import Address, Sm
from tests.process.clients import api_of, inbox
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.program import running

pytestmark = pytest.mark.process

ALICE = PEOPLE[0]
ROUTE = '{carrier="omtp-12",smsc="main"}'
OF_A_MESSAGE = '{carrier="omtp-12",cause="new_message",smsc="main"}'
RECEIPT = 0x04
CARRIERS = Path(__file__).parents[2] / "conf" / "carriers"


async def report(handsets: Phones, message_id: str) -> None:
    """The SMSC says that an SMS to Alice was delivered."""
    text = f"id:{message_id} stat:DELIVRD err:000".encode()
    source, destination = Address(1, 1, ALICE.removeprefix("+").encode()), Address(3, 0, b"5511")
    receipt = Sm(source=source, destination=destination, short_message=text, esm_class=RECEIPT)
    assert await handsets.smsc.deliver(receipt) == 0


async def test_a_killed_process_leaves_every_leg_to_its_next_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VVM_VVM__CARRIERS", str(CARRIERS))
    monkeypatch.setenv("VVM_VVM__CARRIER", "omtp-12")
    async with (
        phones() as handsets,
        running(tmp_path, smsc_port=handsets.smsc.port) as program,
        api_of(program) as api,
    ):
        await api.add(ALICE)
        await handsets.activate([ALICE])
        await api.deposit_speech(ALICE)
        await handsets.until(lambda: handsets.announced(ALICE) == {1})
        await api.until_figure(f"vvm_notification_seconds_count{OF_A_MESSAGE}", 1)
        await program.kill_and_restart()
        await handsets.until(lambda: handsets.smsc.bound > 0)
        await report(handsets, handsets.smsc.submits[-1].message_id)
        await api.until_figure(f"vvm_notification_receipt_seconds_count{OF_A_MESSAGE}", 1)
        await api.until_figure(f"vvm_notification_delivered_seconds_count{OF_A_MESSAGE}", 1)
        await program.kill_and_restart()
        status = handsets.told[ALICE][-1]

        def fetch() -> None:
            with inbox(program, status) as client:
                assert set(client.whole()) == {1}
                assert set(client.whole()) == {1}

        await asyncio.to_thread(fetch)
        await api.until_figure(f"vvm_notification_fetch_seconds_count{ROUTE}", 1)
        status_code, answer = await api.call("GET", f"subscribers/{ALICE}/timeline")
        assert status_code == 200
        assert {entry["smsc"] for entry in answer["entries"] if entry["event"] == "accepted"} == {"main"}
