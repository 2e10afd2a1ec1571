# SPDX-License-Identifier: Apache-2.0
"""What an SMSC may say beyond submit_sm_resp and deliver_sm: nacks, alerts, SMPP 5.0."""

from __future__ import annotations

import pytest

from sms_gateway.port import Reachable, Refused, Retry, Sent
from sms_gateway.simulator.faults import Fault, Nack
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.smpp.pdu import Address, Alert, Command, Pdu, encode
from sms_gateway.smpp.status import Action, Status
from sms_gateway.smpp.tlv import Tag, Tlv
from tests.unit.sms_world import ACTIVATE, HANDSET, StillClock, logged, sms, world


def alert(status: bytes | None = None) -> bytes:
    tlvs = () if status is None else (Tlv(Tag.AVAILABILITY, status),)
    body = Alert(Address(1, 1, HANDSET.lstrip("+").encode()), Address(3, 0, b"5511"), tlvs)
    return encode(Pdu(Command.ALERT_NOTIFICATION, 77, body))


@pytest.mark.parametrize("status", [None, b"\0"])
async def test_a_handset_that_can_be_reached_again_is_told_to_the_inbox(status: bytes | None) -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        it.smsc.write(alert(status))
        assert await it.inbox.wait_hints(1) == [Reachable("main", HANDSET, StillClock().now())]


@pytest.mark.parametrize("status", [b"\x01", b"\x02"])
async def test_one_that_cannot_is_not(status: bytes) -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        it.smsc.write(alert(status) + alert())
        assert len(await it.inbox.wait_hints(1)) == 1


async def test_an_alert_is_never_answered_even_when_there_are_too_many() -> None:
    with logged() as logs:
        async with world(inbound_queue=1, inbound_workers=1) as it:
            await it.gateway.wait_bound()
            it.smsc.write(alert() * 20)
            assert await it.inbox.wait_hints(1)
            assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.ROK]
        assert logs.named("pdu_ignored") == [], "how the simulator would see an answer"


@pytest.mark.parametrize("status", [0x00, 0x02, 0x08, 0xFF])
async def test_a_nack_is_never_a_success(status: int) -> None:
    async with world() as it:
        it.smsc.inject(Nack(status))
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        first = it.outbox.outcomes[0][1]
        assert isinstance(first, Retry)
        assert (first.status, first.counted) == (status, True)
        assert it.smsc.submitted == 2


async def test_a_command_that_the_smsc_does_not_know_is_not_tried_again() -> None:
    async with world() as it:
        it.smsc.inject(Nack(Status.RINVCMDID))
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Refused(Status.RINVCMDID, reason="smsc_rinvcmdid")


def test_a_carrier_may_mean_something_else_by_a_nack() -> None:
    table = {0x40B: Action.REFUSE}
    assert smpp_status.nack_action(0x40B, table) is Action.REFUSE
    assert smpp_status.nack_action(0x40C, table) is Action.LATER


@pytest.mark.parametrize("status", [0x100, 0x101, 0x103, 0x104, 0x105, 0x106])
def test_what_smpp_5_refuses_for_good_is_not_tried_again(status: int) -> None:
    assert smpp_status.action(status, {}) is Action.REFUSE


def test_a_service_type_that_is_away_for_now_is_tried_later() -> None:
    assert smpp_status.action(Status.RSERTYPUNAVAIL, {}) is Action.LATER


async def test_an_smsc_of_smpp_5_is_understood() -> None:
    later = SimulatorSettings(
        bind_tlvs=(Tlv(0x0210, b"\x50"),),
        response_tlvs=(Tlv(Tag.CONGESTION_STATE, b"\x14"), Tlv(0x1500, b"?")),
    )
    async with world(later) as it:
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.ROK]


async def test_congestion_that_is_near_slows_the_sending_down() -> None:
    near = SimulatorSettings(response_tlvs=(Tlv(Tag.CONGESTION_STATE, bytes((90,))),), receipts=False)
    async with world(
        near, rate=1000.0, slowest_rate=1.0, throttle_pause_seconds=600.0, drain_seconds=0.01
    ) as it:
        it.outbox.put(sms(1))
        assert await it.outbox.settled(1) == Sent()
        it.outbox.put(sms(2))
        await it.outbox.until(lambda: 2 in it.outbox.leased)
    _, (_, outcome) = it.outbox.outcomes
    assert isinstance(outcome, Retry)
    assert not outcome.counted, "it never left"
    assert it.smsc.submitted == 1


async def test_a_link_that_brings_a_nack_with_an_invalid_length_is_made_again() -> None:
    async with world() as it:
        it.smsc.inject(Nack(Status.RINVCMDLEN), Fault.NO_BODY)
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        await it.smsc.until(lambda: it.smsc.bound == 1)
