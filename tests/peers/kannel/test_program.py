# SPDX-License-Identifier: Apache-2.0
"""The real program behind a real Kannel: a handset activates, and hears of a message."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
            asyncio.timeout(2 * SECONDS),
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
