# SPDX-License-Identifier: Apache-2.0
"""Receipts that come late, or never, at an SMSC that is trusted to report on every SMS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.clients import Order, api_of
from tests.process.phones import PEOPLE, phones
from tests.process.program import Program
from tests.process.test_doctor import FAKETIME
from tests.process.test_message_way import report
from tests.process.test_outage_hour_program import PATIENT

pytestmark = pytest.mark.process

ALICE = PEOPLE[0]
GATE = {"VVM_NOTIFICATION__RECEIPT_GATE": '["main"]', "VVM_NOTIFICATION__RECEIPT_GATE_MINUTES": "15"}


async def test_a_receipt_that_is_lost_delays_the_next_sync_and_loses_none_and_a_late_one_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of an hour of the program is a quarter of a minute of ours."""
    for variable, value in (PATIENT | GATE).items():
        monkeypatch.setenv(variable, value)
    async with phones() as handsets:
        fast = ("env", f"LD_PRELOAD={FAKETIME}", "FAKETIME=+0 x60")
        program = Program(tmp_path, smsc_port=handsets.smsc.port, within=fast)
        try:
            await program.start()
            async with api_of(program) as api:
                await api.add(ALICE)
                await handsets.activate([ALICE])
                for number in range(1, 4):
                    await api.deposit(Order(ALICE, f"+3369000000{number}"))
                    await handsets.until(lambda: bool(handsets.synced[ALICE]))
                    first = handsets.smsc.submits[-1]
                await handsets.until(lambda: bool(handsets.updated[ALICE]))
                assert (handsets.synced[ALICE], handsets.updated[ALICE]) == ([1], [3])
                assert await api.closed(ALICE) == []
                await report(handsets, first.message_id)
                await api.until_closed(ALICE, ["delivered"])
        finally:
            await program.end()
