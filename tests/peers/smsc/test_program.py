# SPDX-License-Identifier: Apache-2.0
"""The real program at SMSCs that we did not write: a handset activates, hears of a message, and leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from sms_gateway.port import Coding
from sms_gateway.text import coding as text_coding
from sms_gateway.text import udh
from sms_gateway.text.udh import Header
from tests.peers.smsc.peer import SECONDS, Event, SmscPeer
from tests.process.clients import Order, api_of
from tests.process.program import running
from tests.process.test_sms_receipts import A_BUSY_MACHINE

pytestmark = pytest.mark.peers

HANDSET = "+15551230001"
CODINGS = {"8bit": Coding.OCTETS, "gsm7": Coding.GSM7, "ucs2": Coding.UCS2}
DATA_CODING = {"8bit": 0x04, "gsm7": 0x00, "ucs2": 0x08}
LONG = ";note=" + 150 * "x"
"""A field that nobody knows makes an Activate of two segments or more, in any coding."""


class Loop(msgspec.Struct, frozen=True):
    coding: str
    port: int
    asked: int
    """Segments of Activate."""
    status: int
    """Segments of the STATUS with the account."""

    def __str__(self) -> str:
        return f"{self.coding}-{self.port or 'no port'}-{'concatenated' if self.asked > 1 else 'single'}"


# At each peer.  The STATUS of somebody who is blocked is single everywhere, so that each row also has one.
LOOPS = (
    Loop("8bit", 5499, asked=1, status=2),
    Loop("8bit", 5499, asked=2, status=2),
    Loop("8bit", 0, asked=1, status=2),
    Loop("gsm7", 5499, asked=1, status=2),
    Loop("gsm7", 5499, asked=2, status=2),
    Loop("gsm7", 0, asked=1, status=1),
    Loop("ucs2", 5499, asked=1, status=3),
    Loop("ucs2", 5499, asked=3, status=3),
    Loop("ucs2", 0, asked=1, status=3),
)


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


@pytest.mark.parametrize("loop", LOOPS, ids=str)
async def test_a_handset_activates_hears_of_a_message_and_leaves(
    smsc_peer: SmscPeer, tmp_path: Path, loop: Loop
) -> None:
    port = loop.port

    async def ask(text: str) -> int:
        number = HANDSET.removeprefix("+")
        statuses = await smsc_peer.send_mo(number, "5511", text, port=port, coding=CODINGS[loop.coding])
        assert set(statuses) == {0}
        return len(statuses)

    async with (
        running(tmp_path, smsc_port=smsc_peer.port, more=A_BUSY_MACHINE) as program,
        api_of(program) as api,
        asyncio.timeout(6 * SECONDS),
    ):
        await api.add(HANDSET)
        await api.change(HANDSET, client={"coding": loop.coding, "port": port})
        await smsc_peer.wait_bound()
        more = LONG if loop.asked > 1 else ""
        asked = await ask(
            f"Activate:pv=12;ct=test;pt={port}{more};//VVM" if port else f"Activate:pv=12;ct=test{more}"
        )
        await api.until_closed(HANDSET, ["delivered"])
        status = smsc_peer.submits
        assert whole(status).startswith("//VVM:STATUS:st=R;rc=0;")
        assert (asked, len(status)) == (loop.asked, loop.status)

        uid = await api.deposit(Order(HANDSET, "+33698765432"))
        await api.until_closed(HANDSET, ["delivered", "delivered"])
        sync = smsc_peer.submits[len(status) :]
        assert whole(sync).startswith(f"//VVM:SYNC:ev=NM;id={uid};")
        assert {submit.data_coding for submit in smsc_peer.submits} == {DATA_CODING[loop.coding]}

        await ask("Deactivate:pv=12;ct=test")
        await api.until_closed(HANDSET, ["delivered", "delivered", "delivered"])
        assert (await api.show(HANDSET))["status"] == "P"
        farewell = smsc_peer.submits[len(status) + len(sync) :]
        assert whole(farewell).startswith("//VVM:STATUS:st=P;rc=0;")
        await api.deposit(Order(HANDSET, "+33698765433"))
        await api.until_closed(HANDSET, ["delivered", "delivered", "delivered", "not_wanted"])

        before = len(smsc_peer.submits)
        await api.change(HANDSET, blocked=True)
        await ask("STATUS")
        await smsc_peer.wait_submits(before + 1)
        assert whole([smsc_peer.submits[before]]).startswith("//VVM:STATUS:st=B;")
