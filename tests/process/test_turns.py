# SPDX-License-Identifier: Apache-2.0
"""Nobody waits for somebody else's SMSC, nor for somebody else's phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sms_gateway.simulator.faults import Fault
from tests.process.clients import Api, Order, api_of
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.program import running
from tests.process.test_sms_faults import IMPATIENT

pytestmark = pytest.mark.process

RED, BLUE = PEOPLE[:2]
SOUTH = """
carriers = ["red"]
[[sms.smsc]]
name = "south"
carriers = ["blue"]
password = "secret"
port = {port}
"""
FLOOD = 5


@pytest.fixture
def carriers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red and blue; who has none is red's."""
    profiles = tmp_path / "carriers"
    profiles.mkdir()
    for name in ("red", "blue"):
        (profiles / f"{name}.toml").write_text(f'name = "{name}"\n[client]\n')
    monkeypatch.setenv("VVM_VVM__CARRIERS", str(profiles))
    monkeypatch.setenv("VVM_VVM__CARRIER", "red")


async def deposit(api: Api, msisdn: str, number: int) -> None:
    assert await api.deposit(Order(msisdn, f"+336{number:08}")) is not None


def silence(smsc: Phones) -> None:
    """Nobody binds to it any more."""
    smsc.smsc.password = "changed"
    smsc.smsc.drop_links()


@pytest.mark.usefixtures("carriers")
async def test_a_carrier_whose_smsc_is_gone_holds_up_no_other_one(tmp_path: Path) -> None:
    async with (
        phones() as north,
        phones() as south,
        running(
            tmp_path,
            smsc_port=north.smsc.port,
            more=IMPATIENT + SOUTH.format(port=south.smsc.port) + IMPATIENT,
        ) as program,
        api_of(program) as api,
    ):
        for msisdn in (RED, BLUE):
            await api.add(msisdn)
        await api.change(BLUE, carrier="blue")
        await north.activate([RED])
        await south.until(lambda: south.smsc.bound > 0)
        assert (
            await north.ask(BLUE, "Activate:pv=11;ct=test") == 0
        )  # heard by another's SMSC, answered by its own
        await south.until(lambda: bool(south.told[BLUE]))
        silence(south)
        for number in range(FLOOD):
            await deposit(api, BLUE, number)
            await deposit(api, RED, number)
        await north.until(lambda: north.announced(RED) == set(range(1, FLOOD + 1)))
        await api.until_figure('vvm_outbox_carrier_owed{carrier="blue"}', 1)
        assert north.announced(BLUE) == set()
        south.smsc.password = "secret"
        await south.until(lambda: south.announced(BLUE) == set(range(1, FLOOD + 1)))
        await api.until_figure("vvm_outbox_owed", 0)
        assert south.announced(RED) == set()


async def test_a_silent_phone_takes_one_place_in_the_window_however_many_messages_come_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VVM_SMS__SMSC__0__WINDOW", "2")
    monkeypatch.setenv("VVM_SMS__SMSC__0__RESPONSE_SECONDS", "20.0")
    async with (
        phones() as handsets,
        running(tmp_path, smsc_port=handsets.smsc.port) as program,
        api_of(program) as api,
    ):
        silent, answering = PEOPLE[:2]
        for msisdn in (silent, answering):
            await api.add(msisdn)
        await handsets.activate([silent, answering])
        handsets.smsc.inject(Fault.SILENCE, recipient=silent.removeprefix("+"))
        for number in range(1, FLOOD + 1):
            await deposit(api, silent, number)
            await deposit(api, answering, number)
            await handsets.until(lambda upto=number: handsets.announced(answering) == set(range(1, upto + 1)))
        await api.until_figure('vvm_smsc_window{smsc="main"}', 1)
        await api.until_figure("vvm_outbox_owed", 2)  # the one in hands, and one for all that came behind it
        handsets.smsc.inject(0, recipient=silent.removeprefix("+"))
        handsets.smsc.drop_links()
        await handsets.until(lambda: handsets.announced(silent) == set(range(1, FLOOD + 1)))
