# SPDX-License-Identifier: Apache-2.0
"""The real program behind a real Kannel: a handset activates, and hears of a message."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from sms_gateway.text import udh
from sms_gateway.text.udh import Ports
from tests.peers.kannel.kannel import HANDSET, PASSWORD, SECONDS, Missing, free_port, installed
from tests.peers.kannel.kannel import running as kannel
from tests.process.clients import Order, api_of
from tests.process.program import running

pytestmark = pytest.mark.peers

TOKEN = "t0ken"
ACTIVATE = "udh-data %06%05%04%15%7B%00%00 Activate%3Apv%3D12%3Bct%3Dx%3Bpt%3D5499%3B%2F%2FVVM"
DEACTIVATE = "udh-data %06%05%04%15%7B%00%00 Deactivate%3Apv%3D12%3Bct%3Dx"

_MORE = """
[sms]
kannel_listen = "127.0.0.1:{port}"
[[sms.kannel]]
name = "spare"
url = "{url}"
password = "{password}"
callback_url = "http://127.0.0.1:{port}"
callback_password = "{token}"
weight = 0
request_seconds = 1.0
hold_limit_seconds = 0.5
throttle_pause_seconds = 0.1
"""


CODINGS = {"8bit": "utf-8", "gsm7": "utf-8", "ucs2": "utf-16-be"}
"""How Kannel's fake SMSC hands over what was sent in each; it packs no GSM 7-bit."""
IN_TWO = (
    "udh-data %0B%05%04%15%7B%00%00%00%03%09%02%01 Activate%3Apv%3D12%3Bct%3D",
    "udh-data %0B%05%04%15%7B%00%00%00%03%09%02%02 x%3Bpt%3D5499%3B%2F%2FVVM",
)


class Loop(msgspec.Struct, frozen=True):
    coding: str
    asks: tuple[str, ...]
    """What the handset sends: data in one SMS or two, or a text; a fake SMSC has no UCS-2 of a handset."""
    status: int
    """Segments of the STATUS with the account; that of somebody who leaves fits no single SMS either."""

    def __str__(self) -> str:
        return f"{self.coding}-{'concatenated' if len(self.asks) > 1 else self.asks[0].partition(' ')[0]}"


LOOPS = (
    Loop("8bit", (ACTIVATE,), status=2),
    Loop("8bit", IN_TWO, status=2),
    Loop("8bit", ("text Activate:pv=12;ct=x;pt=5499;//VVM",), status=2),
    Loop("gsm7", (ACTIVATE,), status=2),
    Loop("gsm7", IN_TWO, status=2),
    Loop("gsm7", ("text Activate:pv=12;ct=x;pt=5499;//VVM",), status=2),
    Loop("ucs2", (ACTIVATE,), status=3),
    Loop("ucs2", IN_TWO, status=3),
)


def whole(received: list[tuple[bytes, bytes]], coding: str) -> str:
    return b"".join(octets for _, octets in received).decode(CODINGS[coding])


@pytest.mark.parametrize("loop", LOOPS, ids=str)
async def test_every_coding_goes_by_kannel_single_and_concatenated(tmp_path: Path, loop: Loop) -> None:
    port, nobody = free_port(), free_port()
    (tmp_path / "kannel").mkdir()
    callbacks = f"http://127.0.0.1:{port}/spare"
    async with kannel(tmp_path / "kannel", callbacks=callbacks, token=TOKEN, smpp_port=nobody) as gateway:
        more = _MORE.format(port=port, url=gateway.url, password=PASSWORD, token=TOKEN)
        async with (
            running(tmp_path, smsc_port=nobody, more=more) as program,
            api_of(program) as api,
            asyncio.timeout(6 * SECONDS),
        ):
            await api.add(HANDSET)
            await api.change(HANDSET, client={"coding": loop.coding})
            async with gateway.handset(*loop.asks) as handset:
                status = await handset.received(loop.status)
                assert whole(status, loop.coding).startswith("//VVM:STATUS:st=R;rc=0;")
                uid = await api.deposit(Order(HANDSET, "+33698765432"))
                await api.until_closed(HANDSET, ["delivered", "delivered"])
                both = await handset.received(loop.status + (2 if loop.coding == "ucs2" else 1))
                assert whole(both[loop.status :], loop.coding).startswith(f"//VVM:SYNC:ev=NM;id={uid};")
                assert {udh.decode(header)[0].ports for header, _ in both} == {Ports(5499)}
            async with gateway.handset(DEACTIVATE) as handset:
                await api.until_closed(HANDSET, ["delivered", "delivered", "delivered"])
            assert (await api.show(HANDSET))["status"] == "P"


async def test_without_its_smsc_the_program_works_by_kannel(tmp_path: Path) -> None:
    try:
        installed()
    except Missing as missing:
        pytest.fail(str(missing))
    port, nobody = free_port(), free_port()
    (tmp_path / "kannel").mkdir()
    callbacks = f"http://127.0.0.1:{port}/spare"
    async with kannel(tmp_path / "kannel", callbacks=callbacks, token=TOKEN, smpp_port=nobody) as gateway:
        more = _MORE.format(port=port, url=gateway.url, password=PASSWORD, token=TOKEN)
        async with (
            running(tmp_path, smsc_port=nobody, more=more) as program,
            api_of(program) as api,
            asyncio.timeout(6 * SECONDS),
        ):
            await api.add(HANDSET)
            async with gateway.handset(ACTIVATE) as handset:
                await handset.received()
                uid = await api.deposit(Order(HANDSET, "+33698765432"))
                received = await handset.received(3)
                await api.until_closed(HANDSET, ["delivered", "delivered"])
            async with gateway.handset(DEACTIVATE) as handset:
                farewell = await handset.received()
                await api.until_closed(HANDSET, ["delivered", "delivered", "delivered"])
            assert (await api.show(HANDSET))["status"] == "P"
            program.terminate()
            assert await program.ended() == 0
    assert {udh.decode(header)[0].ports for header, _ in received} == {Ports(5499)}
    texts = b"".join(octets for _, octets in received).decode()
    assert texts.startswith("//VVM:STATUS:st=")
    assert f"//VVM:SYNC:ev=NM;id={uid};" in texts
    assert farewell[0][1].startswith(b"//VVM:STATUS:st=P;rc=0;")
