# SPDX-License-Identifier: Apache-2.0
"""Whatever a stranger sends to the real program gets a clear refusal, and costs nobody else anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.process.clients import SPEECH, Api, Order, inbox
from tests.process.phones import PEOPLE, Phones

pytestmark = pytest.mark.process

ALICE, BOB, *_ = PEOPLE
_UPLOAD_BYTES = 200_000_000
_GARBAGE = bytes(range(256)) * 40


@pytest.fixture
async def served(api: Api, handsets: Phones) -> AsyncIterator[None]:
    """Whatever the test did, the next caller is served as ever."""
    yield
    before = len(handsets.synced[BOB])
    uid = await api.deposit(Order(BOB, "+33611111111"))
    await handsets.until(lambda: len(handsets.synced[BOB]) > before)
    assert handsets.synced[BOB][-1] == uid
    assert api.program.running


async def problem(api: Api, method: str, path: str, **options: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    url = f"http://127.0.0.1:{api.program.http_port}{path}"
    token = options.pop("token", api.program.token)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.request(method, url, **options) as answer,
    ):
        assert answer.content_type == "application/problem+json"
        return answer.status, (await answer.json(content_type=None))["code"]


async def deposit(api: Api, audio: Any, *, to: str = ALICE) -> tuple[int, str]:
    return await problem(api, "POST", f"/v1/subscribers/{to}/messages", data=audio)


@pytest.mark.usefixtures("served")
async def test_a_wrong_token_opens_nothing(api: Api) -> None:
    path = f"/v1/subscribers/{ALICE}"
    assert await problem(api, "GET", path, token="wrong") == (401, "unauthorized")
    assert await problem(api, "DELETE", path, token="wrong") == (401, "unauthorized")


@pytest.mark.usefixtures("served")
async def test_what_is_not_a_message_is_not_stored(api: Api) -> None:
    assert await deposit(api, SPEECH, to="+33699999999") == (404, "unknown_subscriber")
    assert await deposit(api, b"") == (422, "bad_audio")
    assert await deposit(api, _GARBAGE) == (422, "bad_audio")
    assert await deposit(api, b"RIFF\xff\xff\xff\xffWAVEfmt ") == (422, "bad_audio")
    assert await deposit(api, SPEECH[: 6 + 32 * 5]) == (422, "message_too_short")
    assert await api.messages(ALICE) == []


@pytest.mark.usefixtures("served")
async def test_an_upload_of_200_mb_is_refused_and_not_kept_in_memory(api: Api) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < _UPLOAD_BYTES:
            sent += 65_536
            yield bytes(65_536)

    before = api.program.memory_bytes()
    with contextlib.suppress(aiohttp.ClientOSError):  # answered and closed while we were still sending
        assert await deposit(api, body()) == (413, "too_large")
    assert sent < _UPLOAD_BYTES
    assert api.program.memory_bytes() - before < 60_000_000


@pytest.mark.usefixtures("served")
async def test_garbage_on_the_imap_ports_ends_that_connection_only(api: Api, handsets: Phones) -> None:
    def mark_and_look() -> list[tuple[int, str]]:
        with inbox(api.program, handsets.told[ALICE][-1]) as client:
            return client.callers()

    await api.deposit(Order(ALICE, "+33622222222"))
    for port in (api.program.imap_port, api.program.imap_tls_port):
        for octets in (
            _GARBAGE,
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"a LOGIN {4294967295}\r\n",
            b"\0" * 70_000,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(octets)
            writer.write_eof()
            async with asyncio.timeout(20):
                try:
                    while await reader.read(65_536):
                        pass
                except ConnectionResetError:
                    pass  # closed with octets of ours unread
            writer.close()
    assert len(await asyncio.to_thread(mark_and_look)) == 1


@pytest.mark.usefixtures("served")
async def test_garbage_from_the_smsc_costs_the_link_at_most(handsets: Phones) -> None:
    header = b"\0\0\0\x14\0\0\0\x05\0\0\0\0\x7f\0\0\x09"
    # A deliver_sm whose body is none is nacked, and on that this SMSC hangs up; we come back.
    handsets.smsc.write(header + b"\xff\xff\xff\xff")
    await handsets.until(lambda: handsets.smsc.bound == 0)
    await handsets.until(lambda: handsets.smsc.bound == 1)
    handsets.smsc.write(b"\xff" * 64)  # a length that no PDU has
    await handsets.until(lambda: handsets.smsc.bound == 0)
    await handsets.until(lambda: handsets.smsc.bound == 1)


@pytest.mark.usefixtures("served")
async def test_an_sms_that_is_no_request_is_taken_and_changes_nothing(handsets: Phones) -> None:
    assert await handsets.ask(ALICE, "\0\xff hello?") == 0
    assert await handsets.ask(ALICE, "Activate" * 10) == 0
    told = len(handsets.told[ALICE])
    assert await handsets.ask(ALICE, "STATUS") == 0
    await handsets.until(lambda: len(handsets.told[ALICE]) > told)
    assert handsets.told[ALICE][-1].fields["st"] == "R"


async def test_a_misspelt_key_stops_the_start_and_names_the_right_one(tmp_path: Path) -> None:
    config = tmp_path / "vvm.toml"
    config.write_text('[imap]\nlistn = ["127.0.0.1:0"]\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vvm", "serve", "--config", str(config),
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}, stderr=PIPE,
    )  # fmt: skip
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"imap.listn" in stderr
    assert b"imap.listen" in stderr
    assert [item.name for item in tmp_path.iterdir()] == ["vvm.toml"]


async def test_a_port_that_is_taken_stops_the_start_in_one_line(tmp_path: Path) -> None:
    holder = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with holder:
        port = holder.sockets[0].getsockname()[1]
        config = tmp_path / "vvm.toml"
        config.write_text(
            f'[imap]\nlisten = ["127.0.0.1:{port}"]\nlisten_tls = []\n[http]\nlisten = "127.0.0.1:0"\n'
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vvm", "serve", "--config", str(config),
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}, stderr=PIPE,
        )  # fmt: skip
        _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"Traceback" not in stderr
    assert b"in use" in stderr
