# SPDX-License-Identifier: Apache-2.0
"""Secrets are planted by every way in, everything is made to fail, and then every text is searched for them.

A secret is a canary: a text that stands nowhere by chance.  Each may come out in one place, where the
contract says so (the answer that makes a device, the STATUS SMS), and those places are left out here.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sqlite3
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from aiohttp import web

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.settings import SimulatorSettings
from tests.process.phones import PEOPLE, Phones
from tests.process.ports import free_port
from tests.process.program import Program, python_path

pytestmark = pytest.mark.process

ALICE = PEOPLE[0]
SECONDS = 30.0

SMPP = "Qz7wSmpp"
SMPP_REFUSED = "Qz7wNope"
ASTERISK = "Qz7w-asterisk-password"
ADMIN = "Qz7w-admin-token-0123456789-abcdef"
MASTER = b"Qz7w-master-key-of-32-octets-xyz"
PIN, PIN_BY_CLI, PIN_BY_IMAP, PIN_UNFIT = "58392041", "69403152", "47281930", "5839-2041"
HOOK_QUERY = "Qz7wHookQuery"
WRONG_TOKEN, WRONG_PASSWORD, WRONG_CODE = "Qz7w-wrong-token", "Qz7w-wrong-password", "Qz7w-wrong-code"
SMS_TEXT = "Qz7w-what-somebody-wrote"

_LONG_NUMBER = re.compile(r"\d{5,}")

PLANTED = {
    "smpp": SMPP,
    "smpp refused": SMPP_REFUSED,
    "asterisk": ASTERISK,
    "admin": ADMIN,
    "master key": MASTER.decode(),
    "master key, hex": MASTER.hex(),
    "pin": PIN,
    "pin by cli": PIN_BY_CLI,
    "pin by imap": PIN_BY_IMAP,
    "pin unfit": PIN_UNFIT,
    "hook query": HOOK_QUERY,
    "wrong token": WRONG_TOKEN,
    "wrong password": WRONG_PASSWORD,
    "wrong code": WRONG_CODE,
    "sms text": SMS_TEXT,
}
IN_THE_STORE_ON_PURPOSE = {"hook query", "sms text"}
"""A URL is called with its query; an SMS is kept until it is settled."""

MORE = """
[secrets]
master_key_file = "{directory}/master.key"
[pin]
made_digits = 9
[self_service]
listen = "127.0.0.1:{public}"
url = "http://127.0.0.1:{public}"
[asterisk]
ari = "http://127.0.0.1:{ari}"
ari_password_file = "{directory}/ari.password"
[webhook]
allow_http = true
post_seconds = 1.0
[[sms.smsc]]
name = "refused"
host = "127.0.0.1"
port = {smsc}
password = "{refused}"
reconnect_first_seconds = 0.1
"""


class Texts:
    """Everything that was said to anybody who must not learn a secret."""

    def __init__(self) -> None:
        self._said: list[tuple[str, str]] = []

    def add(self, where: str, text: str) -> None:
        self._said.append((where, text))

    def found(self, secrets: dict[str, str]) -> list[tuple[str, str, str]]:
        """Where which secret stands, with what is around it."""
        return [
            (where, name, text[max(0, text.find(form) - 80) : text.find(form) + 80])
            for where, text in self._said
            for name, secret in secrets.items()
            for form in forms(secret)
            if form in text
        ]


def forms(secret: str) -> set[str]:
    """As it stands, and as a header, a URL or AUTHENTICATE PLAIN would carry it."""
    inside = base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]
    return {secret, quote(secret, safe=""), inside}


class Listening(Phones):
    """Handsets that also keep what is not for a voicemail client."""

    def __init__(self) -> None:
        super().__init__(SimulatorSettings(receipts=False, remember=1, password=SMPP))
        self.plain: list[str] = []

    def _hear(self, sms: HandsetSms) -> None:
        assert sms.text is not None
        if sms.text.startswith("//VVM"):
            super()._hear(sms)
        else:
            self.plain.append(sms.text)


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """An Asterisk and an endpoint of webhooks that refuse everything, and say back what they heard."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=500, text=f"{request.rel_url} {dict(request.headers)}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class House:
    """The program with every secret of its configuration planted."""

    def __init__(self, directory: Path, phones: Listening, *, echo_port: int) -> None:
        self.directory = directory
        self.phones = phones
        self.texts = Texts()
        self.secrets = dict(PLANTED)
        self.public, self.echo_port = free_port(), echo_port
        self.program = Program(directory, smsc_port=phones.smsc.port)
        more = MORE.format(
            directory=directory,
            public=self.public,
            ari=echo_port,
            smsc=phones.smsc.port,
            refused=SMPP_REFUSED,
        )
        self.program.configure(more)
        config = directory / "vvm.toml"
        text = config.read_text().replace('password = "secret"', f'password = "{SMPP}"')
        text = text.replace('format = "json"', 'format = "json"\nlevel = "debug"')
        config.write_text(
            text.replace(
                "[http]\n", f'[http]\nadmin_token_file = "{directory}/admin"\nmax_json_bytes = 9000\n'
            )
        )
        for name, content in (
            ("master.key", MASTER),
            ("ari.password", ASTERISK.encode()),
            ("admin", ADMIN.encode()),
        ):
            file = directory / name
            file.write_bytes(content)
            file.chmod(0o600)

    async def http(
        self,
        method: str,
        path: str,
        *,
        token: str = ADMIN,
        port: int | None = None,
        kept: bool = True,
        **options: object,
    ) -> tuple[int, str]:
        """A request; its answer is one that must not tell a secret, unless ``kept`` is false."""
        url = f"http://127.0.0.1:{port or self.program.http_port}{path}"
        headers = {"Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, headers=headers, **options) as answer,  # type: ignore[arg-type]
        ):
            body = await answer.read()
            text = body.decode("latin-1") + str(dict(answer.headers))
            if kept:
                self.texts.add(f"{method} {path}", text)
            return answer.status, body.decode("latin-1")

    async def vvm(self, *words: str, kept: bool = True) -> tuple[int, str]:
        """A command of the operator."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vvm", *words, "--config", "vvm.toml"),
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": python_path()},
            stdout=PIPE,
            stderr=PIPE,
        )
        async with asyncio.timeout(2 * SECONDS):
            out, err = await process.communicate()
        if kept:
            self.texts.add(f"vvm {words}", out.decode() + err.decode())
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def imap(self, *lines: str) -> str:
        """Say lines on the port of TLS; everything that is answered."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.program.imap_tls_port, ssl=house_tls()
        )
        said = await reader.readline()
        for line in (*lines, "z LOGOUT"):
            writer.write(line.encode() + b"\r\n")
            tag = line.split()[0].encode()
            async with asyncio.timeout(SECONDS):
                while got := await reader.readline():
                    said += got
                    if got.startswith((tag, b"+", b"* BYE")):
                        break
        writer.close()
        self.texts.add(f"imap {lines[0].split()[1]}", said.decode())
        return said.decode()


def house_tls() -> ssl.SSLContext:
    """Takes whatever certificate the program has made for itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with echo() as port:
        phones = Listening()
        async with phones.smsc.running():
            made = House(tmp_path, phones, echo_port=port)
            try:
                await made.program.start()
                yield made
            finally:
                await made.program.end()


async def test_no_secret_stands_where_it_does_not_belong(house: House) -> None:
    await _plant_over_http(house)
    await _plant_over_sms(house)
    await _plant_over_imap(house)
    await _plant_by_commands(house)
    await _plant_by_one_time_code(house)
    await _plant_by_pin_reset(house)
    await _make_the_store_fail(house)
    await _look_at_everything(house)
    house.program.terminate()
    assert await house.program.ended() == 0
    house.texts.add("log", (house.directory / "vvm.log").read_text())
    assert house.texts.found(house.secrets) == []


async def _plant_over_http(house: House) -> None:
    one = f"/v1/subscribers/{ALICE}"
    assert (await house.http("PUT", one, json={"pin": PIN}))[0] == 201
    assert (await house.http("PUT", one, json={"pin": PIN_UNFIT}))[0] == 422
    assert (await house.http("PATCH", one, json={"pin": [PIN]}))[0] == 400
    assert (await house.http("PATCH", one, data=f'{{"pin": "{PIN}"'))[0] == 400
    assert (await house.http("PATCH", one, data=f'{{"pin": "{PIN * 3000}"}}'))[0] == 413
    assert (await house.http("GET", one, token=WRONG_TOKEN))[0] == 401
    assert (await house.http("GET", f"/v1/{WRONG_TOKEN}"))[0] == 404


async def _plant_over_sms(house: House) -> None:
    """STATUS tells the IMAP password; whatever else somebody writes is looked at and left."""
    await house.phones.until(lambda: house.phones.smsc.bound == 1)
    await house.phones.ask(ALICE, SMS_TEXT)
    await house.phones.ask(ALICE, f"Activate:pv=11;ct={SMS_TEXT}:{SMS_TEXT}")
    await house.phones.ask(ALICE, "Activate:pv=11;ct=test")
    await house.phones.until(lambda: bool(house.phones.told[ALICE]))
    house.secrets["imap password"] = house.phones.told[ALICE][-1].fields["pw"]


async def _plant_over_imap(house: House) -> None:
    status = house.phones.told[ALICE][-1].fields
    user, password = status["u"], status["pw"]
    plain = base64.b64encode(f"\0{user}\0{WRONG_PASSWORD}".encode()).decode()
    assert " NO " in await house.imap(f"a LOGIN {user} {WRONG_PASSWORD}")
    assert " NO " in await house.imap(f"a LOGIN {WRONG_PASSWORD} {password}")
    assert " NO " in await house.imap(f"a AUTHENTICATE PLAIN {plain}")
    assert "a BAD" in await house.imap(f"a LOGIN {password}")
    assert "a BAD" in await house.imap(f"a {PIN}")
    said = await house.imap(
        f"a LOGIN {user} {password}",
        f"b CHANGE_TUI_PWD PWD={PIN_BY_IMAP} OLD_PWD={PIN_UNFIT}",
        f"c CHANGE_TUI_PWD PWD={PIN_BY_IMAP} OLD_PWD={PIN}",
        f"d CHANGE_TUI_PWD {PIN}",
    )
    assert re.search(r"^a OK.*^c OK", said, re.DOTALL | re.MULTILINE), said


async def _plant_by_commands(house: House) -> None:
    """The one output of each that tells a secret is read, and not kept."""
    file = house.directory / "pin"
    file.write_text(PIN_BY_CLI)
    assert (await house.vvm("subscriber", "set", ALICE, "--pin-file", str(file)))[0] == 0
    file.write_text(PIN_UNFIT)
    assert (await house.vvm("subscriber", "set", ALICE, "--pin-file", str(file)))[0] != 0
    _, token = await house.vvm("token", "create", "crm", "--role", "support", kept=False)
    house.secrets["token"] = token.strip()
    assert (await house.http("GET", "/v1/webhooks", token=token.strip()))[0] == 403
    url = f"http://127.0.0.1:{house.echo_port}/?key={HOOK_QUERY}"
    _, made = await house.http("POST", "/v1/webhooks", kept=False, json={"url": url})
    house.secrets["webhook secret"] = msgspec.json.decode(made)["secret"]
    assert (await house.http("POST", "/v1/webhooks", json={"url": f"ftp://{HOOK_QUERY}"}))[0] == 400
    assert (await house.http("POST", "/v1/webhooks", json={"url": f"https://{HOOK_QUERY}@x"}))[0] == 422
    devices = f"/v1/subscribers/{ALICE}/devices"
    _, made = await house.http("POST", devices, kept=False, json={"name": "Tablet"})
    device = msgspec.json.decode(made)
    house.secrets["device password"] = device["password"]
    assert " OK " in await house.imap(f"a LOGIN {device['login']} {device['password']}")


async def _plant_by_one_time_code(house: House) -> None:
    port, codes = house.public, "/client/v1/codes"
    assert (await house.http("POST", codes, port=port, json={"msisdn": ALICE}))[0] == 202
    await house.phones.until(lambda: bool(house.phones.plain))
    code = _LONG_NUMBER.findall(house.phones.plain[-1])[0]
    house.secrets["one-time code"] = code
    body = {"msisdn": ALICE, "name": "Watch"}
    for wrong in (WRONG_CODE, {}):
        status, _ = await house.http("POST", "/client/v1/devices", port=port, json=body | {"code": wrong})
        assert status in {400, 403}
    status, made = await house.http(
        "POST", "/client/v1/devices", port=port, kept=False, json=body | {"code": code}
    )
    assert status == 201
    house.secrets["password by code"] = msgspec.json.decode(made)["imap"]["password"]
    assert (await house.http("POST", "/client/v1/devices", port=port, json=body | {"code": code}))[0] == 403


async def _plant_by_pin_reset(house: House) -> None:
    """By HTTP and by command, which are told that it was done and not what the PIN is."""
    for ask in ("pin by sms", "pin by sms and command"):
        seen = len(house.phones.plain)
        if ask == "pin by sms":
            assert (await house.http("POST", f"/v1/subscribers/{ALICE}/pin", json={"reason": "lost"}))[
                0
            ] == 200
        else:
            assert (await house.vvm("subscriber", "reset-pin", ALICE))[0] == 0
        await _told_more_than(house, seen)
        (house.secrets[ask],) = _LONG_NUMBER.findall(house.phones.plain[-1])


async def _told_more_than(house: House, seen: int) -> None:
    await house.phones.until(lambda: len(house.phones.plain) > seen)


async def _make_the_store_fail(house: House) -> None:
    """What cannot be committed leaves a trace in the log, with everything that was wanted near it."""
    with closing(sqlite3.connect(house.directory / "var" / "vvm.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        try:
            status, _ = await house.http("PATCH", f"/v1/subscribers/{ALICE}", json={"pin": PIN})
        finally:
            other.execute("ROLLBACK")
    assert status == 503


async def _look_at_everything(house: House) -> None:
    """What operators, their systems and their monitoring read."""
    one = f"/v1/subscribers/{ALICE}"
    for path in ("", "/devices", "/audit", "/timeline", "/messages", "/greetings"):
        assert (await house.http("GET", one + path))[0] == 200
    for path in (
        "/v1/subscribers",
        "/v1/cos",
        "/v1/events",
        "/v1/webhooks",
        "/v1/notifications/dead",
        "/metrics",
    ):
        assert (await house.http("GET", path))[0] == 200
    for words in (
        ("subscriber", "show", ALICE, "--json"),
        ("subscriber", "timeline", ALICE),
        ("subscriber", "audit", ALICE, "--json"),
        ("subscriber", "export", "all.csv"),
        ("device", "list", ALICE),
        ("token", "list"),
        ("webhook", "list", "--json"),
        ("event", "list", "--json"),
        ("notification", "list"),
        ("config", "check"),
        ("config", "explain"),
        ("config", "explain", "--json"),
        ("carrier-config", "export"),
        ("doctor", ALICE),
    ):
        await house.vvm(*words)
    for written in house.directory.glob("*.csv"):
        house.texts.add(written.name, written.read_text())


async def test_the_store_holds_no_secret_that_opens_anything(house: House) -> None:
    await _plant_over_http(house)
    await _plant_over_sms(house)
    await _plant_over_imap(house)
    await _plant_by_commands(house)
    await _plant_by_one_time_code(house)
    await _plant_by_pin_reset(house)
    house.program.terminate()
    assert await house.program.ended() == 0
    for file in (house.directory / "var").rglob("vvm.db*"):
        house.texts.add(file.name, file.read_bytes().decode("latin-1"))
    wanted = {name: secret for name, secret in house.secrets.items() if name not in IN_THE_STORE_ON_PURPOSE}
    assert house.texts.found(wanted) == []


async def test_a_canary_would_be_found(house: House) -> None:
    house.texts.add(
        "somewhere", f"said {quote(PIN_UNFIT)} and {base64.b64encode(WRONG_CODE.encode()).decode()}"
    )
    assert {name for _, name, _ in house.texts.found(house.secrets)} == {"pin unfit", "wrong code"}
