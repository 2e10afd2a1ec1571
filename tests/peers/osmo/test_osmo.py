# SPDX-License-Identifier: Apache-2.0
"""The SMPP front of a mobile network's own switch: what it keeps for the phone is what we meant.

osmo-msc files each SMS with its TP-UD until the phone attaches.  It hands nothing from one ESME to another,
and gives every message the id ``msg_id_not_implemented``: there is no way back from a phone without a radio.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest

from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Coding, OutboundSms, Sent
from sms_gateway.settings import SmscSettings
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from sms_gateway.text import segments
from tests.peers.kannel.kannel import free_port
from vvm.domain.clock import SystemClock

pytestmark = pytest.mark.peers

SECONDS = 60.0
HANDSET = "+15551230001"
SYNC = "//VVM:SYNC:ev=MBU;c=1"
LONG = "//VVM:STATUS:st=R;rc=0;srv=vvm.example.net;" + 150 * "x"
CONFIGURATION = """
line vty
 bind {host}
ctrl
 bind {host}
network
 network country code 001
 mobile network code 01
msc
 mgw remote-ip {host}
hlr
 remote-ip {host}
smsc
 database sms.db
cs7 instance 0
 point-code 0.23.1
sgs
 local-ip {host}
smpp
 local-tcp-ip 127.0.0.1 {port}
 system-id osmo-msc
 policy closed
 smpp-first
 esme vvm
  password secret
  default-route
"""


@asynccontextmanager
async def switch(folder: Path) -> AsyncIterator[int]:
    """Run osmo-msc on an address of its own; its SMPP port."""
    if missing := [program for program in ("osmo-msc", "gcc") if shutil.which(program) is None]:
        pytest.fail(f"apt-get install -y --no-install-recommends libc6-dev {' '.join(missing)}")
    shim, port = folder / "nosctp.so", free_port()
    compiled = await asyncio.create_subprocess_exec(
        *("gcc", "-shared", "-fPIC", "-o", shim, Path(__file__).with_name("nosctp.c"), "-ldl")
    )
    assert await compiled.wait() == 0
    host = f"127.{random.randrange(2, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    (folder / "msc.cfg").write_text(CONFIGURATION.format(host=host, port=port))
    process = await asyncio.create_subprocess_exec(
        *("osmo-msc", "-c", "msc.cfg"),
        cwd=folder,
        env=os.environ | {"LD_PRELOAD": str(shim)},
        stdout=sys.stderr,
    )
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def filed(folder: Path, text: str, coding: Coding, port: int) -> Sequence[tuple[int, int, bytes]]:
    """What the switch has of an SMS: data_coding, whether it has a header, and the user data."""
    outbox = MemoryOutbox()
    async with switch(folder) as smpp_port, asyncio.timeout(SECONDS):
        settings = SmscSettings(port=smpp_port, password="secret", reconnect_first_seconds=0.1)
        gateway = SmsGateway([settings], outbox, MemoryInbox(), clock=SystemClock())
        running = asyncio.create_task(gateway.run())
        outbox.put(
            OutboundSms(
                id=1,
                recipient=HANDSET,
                source="5511",
                text=text,
                coding=coding,
                port=port,
                reference=0x5A,
                validity=timedelta(days=1),
                attempt=0,
            )
        )
        assert await outbox.settled(1) == Sent()
        running.cancel()
        await asyncio.wait([running])
        assert {accepted.message_id for accepted in outbox.accepted} == {"msg_id_not_implemented"}
    with closing(sqlite3.connect(folder / "sms.db")) as database:
        return database.execute(
            "SELECT data_coding_scheme, ud_hdr_ind, user_data FROM SMS"
            " WHERE dest_addr = '15551230001' AND src_addr = '5511' ORDER BY id"
        ).fetchall()


@pytest.mark.parametrize(
    ("coding", "data_coding"), [(Coding.OCTETS, 0x04), (Coding.UCS2, 0x08)], ids=["8bit", "ucs2"]
)
@pytest.mark.parametrize("text", [SYNC, LONG], ids=["single", "concatenated"])
async def test_the_switch_keeps_each_segment_to_the_octet(
    tmp_path: Path, coding: Coding, data_coding: int, text: str
) -> None:
    meant = segments.cut(text, coding=coding, port=5499, reference=0x5A)
    assert await filed(tmp_path, text, coding, 5499) == [
        (data_coding, 1, segment.user_data) for segment in meant
    ]


async def test_the_switch_keeps_a_text_without_a_port_as_gsm_7_bit(tmp_path: Path) -> None:
    ((data_coding, header, _),) = await filed(tmp_path, SYNC, Coding.GSM7, 0)
    assert (data_coding, header) == (0x00, 0)
