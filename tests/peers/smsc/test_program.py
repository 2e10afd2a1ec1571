# SPDX-License-Identifier: Apache-2.0
"""The real program at SMSCs that we did not write: a handset activates, hears of a message, and leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sms_gateway.port import Coding
from sms_gateway.text import coding as text_coding
from sms_gateway.text import udh
from sms_gateway.text.udh import Header
from tests.peers.smsc.peer import SECONDS, Event, SmscPeer
from tests.process.clients import Order, api_of
from tests.process.program import running

pytestmark = pytest.mark.peers

HANDSET = "+15551230001"
DATA_CODING = {"8bit": 0x04, "gsm7": 0x00}


def _parts(submit: Event) -> tuple[Header, bytes]:
    return udh.decode(submit.octets) if submit.esm_class & udh.UDHI else (Header(), submit.octets)


def whole(submits: list[Event]) -> str:
    """What the handset reads, of one SMS in its segments."""
    parts = sorted(
        (_parts(submit) for submit in submits),
        key=lambda part: part[0].concatenation.number if part[0].concatenation else 1,
    )
    text = text_coding.text(b"".join(octets for _, octets in parts), submits[0].data_coding)
    assert text is not None
    return text


@pytest.mark.parametrize("coding", ["8bit", "gsm7"])
@pytest.mark.parametrize("port", [5499, 0], ids=["to a port", "as text"])
async def test_a_handset_activates_hears_of_a_message_and_leaves(
    smsc_peer: SmscPeer, tmp_path: Path, coding: str, port: int
) -> None:
    said = Coding.OCTETS if coding == "8bit" else Coding.GSM7

    async def ask(text: str) -> None:
        number = HANDSET.removeprefix("+")
        assert set(await smsc_peer.send_mo(number, "5511", text, port=port, coding=said)) == {0}

    async with (
        running(tmp_path, smsc_port=smsc_peer.port) as program,
        api_of(program) as api,
        asyncio.timeout(2 * SECONDS),
    ):
        await api.add(HANDSET)
        await api.change(HANDSET, client={"coding": coding, "port": port})
        await smsc_peer.wait_bound()
        await ask(f"Activate:pv=12;ct=test;pt={port};//VVM" if port else "Activate:pv=12;ct=test")
        await api.until_closed(HANDSET, ["delivered"])
        status = smsc_peer.submits
        assert whole(status).startswith("//VVM:STATUS:st=R;rc=0;")
        assert len(status) == (1 if coding == "gsm7" and not port else 2)

        uid = await api.deposit(Order(HANDSET, "+33698765432"))
        await api.until_closed(HANDSET, ["delivered", "delivered"])
        (sync,) = smsc_peer.submits[len(status) :]
        assert whole([sync]).startswith(f"//VVM:SYNC:ev=NM;id={uid};")
        assert {submit.data_coding for submit in smsc_peer.submits} == {DATA_CODING[coding]}

        await ask("Deactivate:pv=12;ct=test")
        await api.until_closed(HANDSET, ["delivered", "delivered", "delivered"])
        assert (await api.show(HANDSET))["status"] == "P"
        assert whole(smsc_peer.submits[len(status) + 1 :]).startswith("//VVM:STATUS:st=P;rc=0;")
        await api.deposit(Order(HANDSET, "+33698765433"))
        await api.until_closed(HANDSET, ["delivered", "delivered", "delivered", "not_wanted"])
