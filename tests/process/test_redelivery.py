# SPDX-License-Identifier: Apache-2.0
"""An SMSC delivers the same SMS again, to the same process or to the next: it is one request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sms_gateway.smpp.pdu import Address, Sm
from sms_gateway.smpp.tlv import Tag, Tlv
from tests.process.clients import Api, api_of
from tests.process.phones import PEOPLE, SERVICE_NUMBER, Phones
from tests.process.program import running

pytestmark = pytest.mark.process

LONG = """
[sms.redelivery]
seconds = 3600.0
"""
"""A start takes no time against it."""
ALICE = PEOPLE[0]
ACTIVATE = "Activate:pv=11;ct=test"
DEACTIVATE = "Deactivate:pv=11;ct=test"


@pytest.fixture
async def api(tmp_path: Path, handsets: Phones) -> AsyncIterator[Api]:
    async with (
        running(tmp_path, smsc_port=handsets.smsc.port, more=LONG) as program,
        api_of(program) as made,
    ):
        await made.add(ALICE)
        await handsets.until(lambda: handsets.smsc.bound == 1)
        yield made


def sms(text: str, reference: int = 0) -> Sm:
    """As a deliver_sm; with a reference it says which of a handset's SMS it is."""
    return Sm(
        Address(1, 1, ALICE.removeprefix("+").encode()),
        Address(3, 0, SERVICE_NUMBER.encode()),
        text.encode(),
        data_coding=4,
        tlvs=(Tlv(Tag.USER_REFERENCE, reference.to_bytes(2, "big")),) if reference else (),
    )


async def killed_and_back(api: Api, handsets: Phones) -> None:
    await api.program.kill_and_restart()
    await handsets.until(lambda: handsets.smsc.bound == 1)


async def requests(api: Api) -> list[str]:
    """What of Alice's handset was taken for a request, in its order."""
    status, answer = await api.call("GET", f"subscribers/{ALICE}/timeline")
    assert status == 200
    return [entry["what"] for entry in answer["entries"] if entry["event"] == "client_sms"]


async def test_the_same_deliver_sm_again_is_acknowledged_and_is_one_request(
    api: Api, handsets: Phones
) -> None:
    assert [await handsets.smsc.deliver(sms(ACTIVATE)) for _ in range(3)] == [0, 0, 0]
    await killed_and_back(api, handsets)
    assert await handsets.smsc.deliver(sms(ACTIVATE)) == 0
    assert await requests(api) == ["Activate"]
    await handsets.until(lambda: bool(handsets.told[ALICE]))


async def test_a_changed_mind_is_three_requests_also_across_a_kill(api: Api, handsets: Phones) -> None:
    assert await handsets.smsc.deliver(sms(ACTIVATE)) == 0
    await killed_and_back(api, handsets)
    assert await handsets.smsc.deliver(sms(DEACTIVATE)) == 0
    await killed_and_back(api, handsets)
    assert await handsets.smsc.deliver(sms(ACTIVATE)) == 0
    assert await requests(api) == ["Activate", "Deactivate", "Activate"]
    await handsets.until(lambda: bool(handsets.told[ALICE]) and handsets.told[ALICE][-1].fields["st"] == "R")


async def test_a_late_copy_of_activate_reactivates_nobody_also_across_a_kill(
    api: Api, handsets: Phones
) -> None:
    assert await handsets.smsc.deliver(sms(ACTIVATE, 7)) == 0
    await handsets.until(lambda: bool(handsets.told[ALICE]))
    assert await handsets.smsc.deliver(sms(DEACTIVATE, 8)) == 0
    await handsets.until(lambda: handsets.told[ALICE][-1].fields["st"] == "P")
    await killed_and_back(api, handsets)
    assert await handsets.smsc.deliver(sms(ACTIVATE, 7)) == 0
    assert await requests(api) == ["Activate", "Deactivate"]
    assert (await api.show(ALICE))["status"] == "P"
