# SPDX-License-Identifier: Apache-2.0
"""A Verizon handset that nobody has provisioned subscribes by itself, step by step as AOSP and vvmd do."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec
import pytest

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.process.program import Program, running
from vvm.omtp.system import SystemSms, parse_system_sms

pytestmark = pytest.mark.process

MSISDN, MDN = "+15551230001", "5551230001"
SERVICE_NUMBER = "900080006200"
SECONDS = 60.0
LINK_TEXTS = {"subscribe to basic visual voice mail", "subscribe to basic visual voicemail"}
VMG_REQUEST = (
    "<VMGVVMRequest>  <MessageHeader>    <transactionid>{transaction}</transactionid>  </MessageHeader>"
    "  <MessageBody>    <mdn>{mdn}</mdn>    <operation>retrieveSPGURL</operation>"
    "    <source>Device</source>    <devicemodel>DROID_4G</devicemodel>  </MessageBody></VMGVVMRequest>"
)
SPG_FORM = {
    "VZW_MDN": MDN,
    "VZW_SERVICE": "BVVM",
    "DEVICE_MODEL": "DROID_4G",
    "APP_TOKEN": "q8e3t5u2o1",
    "SPG_LANGUAGE_PARAM": "ENGLISH",
}
CARRIER = """
name = "verizon-test"
[client]
dialect = "vvm3"
source = "900080006200"
port = 0
prefix = "//VZWVVM"
coding = "gsm7"
[status]
languages = ["1", "2", "3", "4", "5", "6", "7", "8"]
language_separator = ","
device_type = 5
vmg_url = "{url}/vvm3/vmg"
self_subscription = true
"""


class Verizon:
    """The network, the handset and its server."""

    def __init__(
        self, program: Program, smsc: SimulatedSmsc, told: dict[str, list[SystemSms]], url: str
    ) -> None:
        self.program = program
        self.url = url
        self._smsc = smsc
        self._told = told

    async def ask(self, *, originator: str = MSISDN) -> SystemSms:
        """STATUS by SMS; the one that comes back."""
        count = len(self._told[originator]) + 1
        digits = originator.removeprefix("+")
        assert await self._smsc.send_mo(digits, SERVICE_NUMBER, "STATUS") == [0]
        return await self.heard(count, originator)

    async def heard(self, count: int, originator: str = MSISDN) -> SystemSms:
        async with asyncio.timeout(SECONDS):
            await self._smsc.until(lambda: len(self._told[originator]) >= count)
        return self._told[originator][count - 1]


@pytest.fixture
async def verizon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Verizon]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    carriers = tmp_path / "carriers"
    carriers.mkdir()
    (carriers / "verizon.toml").write_text(CARRIER.format(url=url))
    monkeypatch.setenv("VVM_VVM__CARRIERS", str(carriers))
    monkeypatch.setenv("VVM_VVM__CARRIER", "verizon-test")
    listener = f'[self_service]\nlisten = "{url.removeprefix("http://")}"\nurl = "{url}"\n'
    told: defaultdict[str, list[SystemSms]] = defaultdict(list)

    def hear(sms: HandsetSms) -> None:
        system = parse_system_sms(sms.text or "", "//VZWVVM")
        assert system is not None
        assert sms.originator == SERVICE_NUMBER
        told[sms.recipient].append(system)

    smsc = SimulatedSmsc(SimulatorSettings(receipts=False), on_sms=hear)
    async with smsc.running(), running(tmp_path, smsc_port=smsc.port, more=listener) as program:
        async with asyncio.timeout(SECONDS):
            await smsc.until(lambda: smsc.bound == 1)
        yield Verizon(program, smsc, told, url)


class Links(HTMLParser):
    """Each link by its whole text, as AOSP's Html.fromHtml shows it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._href: str | None = None
        self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._href, self._text = dict(attrs)["href"], ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            self.found[self._text.lower()] = self._href


def between(tag: str, text: str) -> str:
    """How AOSP reads an element."""
    found = re.search(f"<{tag}>(.*)</{tag}>", text)
    assert found is not None, text
    return found[1]


async def vmg(client: aiohttp.ClientSession, address: str, body: str) -> tuple[int, str]:
    async with client.post(address, data=body.encode()) as answer:
        return answer.status, await answer.text()


async def set_up_as_aosp(verizon: Verizon, status: SystemSms) -> list[str]:
    """Language whose reply is not read, PIN from the default, end of the tutorial: the tagged lines.

    AOSP takes the reply to the language for that to the PIN, and so on (sheet 14.2).
    """
    tls = ssl.create_default_context(cafile=verizon.program.certificate)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", verizon.program.imap_tls_port, ssl=tls, server_hostname=status.fields["srv"]
    )
    try:
        assert (await reader.readline()).startswith(b"* OK")
        user, password = status.fields["u"], status.fields["pw"]
        writer.write(f'1 LOGIN {user} "{password}"\r\n'.encode())
        while not (await reader.readline()).startswith(b"1 OK"):
            pass
        writer.write(b"2 CHANGE_VM_LANG Lang=5\r\n")
        default = "1" + user.partition("@")[0][-4:]
        writer.write(f"3 CHANGE_TUI_PWD PWD=482915 OLD_PWD={default}\r\n".encode())
        replies = [await reader.readline()]
        writer.write(b"4 CLOSE_NUT\r\n")
        replies += [await reader.readline(), await reader.readline()]
        writer.write(b"5 LOGOUT\r\n")
        async with asyncio.timeout(SECONDS):
            await reader.read()
    finally:
        writer.close()
    return [reply.decode().strip() for reply in replies]


# rows: V3-01 V3-02 V3-03
async def test_aosp_subscribes_and_sets_itself_up_to_the_end(verizon: Verizon) -> None:
    unknown = await verizon.ask()
    assert unknown.fields == {"st": "U", "rc": "2", "vmg_url": f"{verizon.url}/vvm3/vmg"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        asked = VMG_REQUEST.format(transaction="7231234567890123456", mdn=MDN)
        code, answer = await vmg(client, unknown.fields["vmg_url"], asked)
        assert code == 200
        assert between("transactionid", answer) == "7231234567890123456"
        async with client.post(between("spgurl", answer), data=SPG_FORM) as page:
            links = Links(await page.text()).found
        (link,) = (href for text, href in links.items() if text in LINK_TEXTS)
        async with client.post(link) as subscribed:
            assert subscribed.ok
    new = await verizon.heard(2)
    assert new.fields["st"] == "N"
    assert await set_up_as_aosp(verizon, new) == [
        "2 OK language changed successfully",
        "3 OK password changed successfully",
        "4 OK NUT closed",
    ]
    ready = await verizon.ask()
    assert (ready.fields["st"], ready.fields["rc"], ready.fields["u"]) == ("R", "0", new.fields["u"])


# rows: V3-02 V3-03
async def test_vvmd_subscribes_with_its_escaped_xml_and_get(verizon: Verizon) -> None:
    unknown = await verizon.ask()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        asked = quote(VMG_REQUEST.format(transaction="1", mdn=MDN), safe="")
        code, answer = await vmg(client, unknown.fields["vmg_url"], asked)
        assert code == 200
        async with client.post(between("spgurl", answer), data=SPG_FORM) as page:
            lines = (await page.text()).splitlines()
        (line,) = (line for line in lines if "<a" in line and "Subscribe to Basic Visual Voice Mail" in line)
        async with client.get(line.split('"')[1]) as subscribed:
            assert subscribed.ok
    assert (await verizon.heard(2)).fields["st"] == "N"


async def test_a_number_that_did_not_ask_by_sms_gets_nothing(verizon: Verizon) -> None:
    await verizon.ask()
    async with aiohttp.ClientSession() as client:
        asked = VMG_REQUEST.format(transaction="9", mdn="5551239999")
        code, answer = await vmg(client, f"{verizon.url}/vvm3/vmg", asked)
        assert code == 403
        assert between("transactionid", answer) == "9"
        assert "<spgurl>" not in answer
        bomb = '<!DOCTYPE x [<!ENTITY a "b">]>' + asked
        assert (await vmg(client, f"{verizon.url}/vvm3/vmg", bomb))[0] == 400
        assert (await vmg(client, f"{verizon.url}/vvm3/vmg", "x" * 10_000))[0] == 413


async def test_the_public_listener_has_nothing_of_the_operators(verizon: Verizon) -> None:
    headers = {"Authorization": f"Bearer {verizon.program.token}"}
    async with aiohttp.ClientSession(headers=headers) as client:
        for path in ("/v1/subscribers", "/metrics", "/healthz", "/readyz"):
            async with client.get(verizon.url + path) as answer:
                problem = msgspec.json.decode(await answer.read())
                assert (answer.status, problem["code"]) == (404, "not_found")
