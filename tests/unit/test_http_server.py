# SPDX-License-Identifier: Apache-2.0
"""What every request passes: token, limits, times, log, figures; and what is no request at all."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
import structlog

from tests.unit.http_api import TOKEN, Api, api
from tests.unit.services_world import ALICE, CALLER, TWO_SECONDS, World
from vvm.domain.errors import Outage
from vvm.domain.secrets import Secret
from vvm.fronts.http.auth import bearer
from vvm.fronts.http.settings import HttpSettings
from vvm.message.audio.transcode import Voice
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.port import NotificationRecord

MESSAGES = f"/v1/subscribers/{ALICE}/messages"
HEAD = f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
MEGABYTE = 2**20
SMALL = HttpSettings(max_body_bytes=MEGABYTE, linger_seconds=0.2)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber()
    return world


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world) as running:
        yield running


async def until_refused(port: int, request: bytes) -> tuple[bytes, int]:
    """Send a request piece by piece until an answer begins; the answer, and how much had been sent."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        sent = 0
        answer = asyncio.ensure_future(reader.readuntil(b"\r\n"))
        try:
            while not answer.done():
                writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                sent += 0x10000
                await writer.drain()
            return await answer, sent
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "ключ"])
@pytest.mark.parametrize("path", ["/v1/subscribers", f"/v1/subscribers/{ALICE}", "/v1/no/such/path"])
async def test_nothing_under_v1_opens_without_the_token(http: Api, token: str | None, path: str) -> None:
    answer = await http.call("GET", path, token=token)
    assert answer.problem == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_another_scheme_is_no_token(http: Api) -> None:
    headers = {"Authorization": f"Basic {TOKEN}"}
    assert (await http.call("GET", "/v1/subscribers", token=None, headers=headers)).status == 401


async def test_the_scheme_may_be_written_in_any_case(http: Api) -> None:
    headers = {"Authorization": f"bearer {TOKEN}"}
    assert (await http.call("GET", "/v1/subscribers", token=None, headers=headers)).status == 200


def test_an_empty_token_cannot_guard_anything() -> None:
    with pytest.raises(ValueError, match="empty"):
        bearer(Secret(""), World().tokens, HttpSettings())


async def test_a_path_that_is_not_there_is_a_problem_document(http: Api) -> None:
    assert (await http.call("GET", "/nothing")).problem == (404, "not_found")
    assert (await http.call("GET", "/v1/nothing")).problem == (404, "not_found")


async def test_a_method_that_is_not_there_names_those_that_are(http: Api) -> None:
    answer = await http.call("POST", f"/v1/subscribers/{ALICE}")
    assert answer.problem == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"DELETE", "GET", "PATCH", "PUT"}


async def test_a_body_announced_as_200_megabytes_is_refused_before_any_of_it_comes(world: World) -> None:
    async with api(world, SMALL) as http:
        octets = await http.talk(HEAD + b"Content-Length: 200000000\r\n\r\n")
    assert octets.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too_large"' in octets


async def test_a_body_of_200_megabytes_in_chunks_is_refused_when_it_passes_the_limit(world: World) -> None:
    async with api(world, SMALL) as http:
        answer, sent = await until_refused(http.port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    assert answer == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    assert MEGABYTE <= sent < 50 * MEGABYTE


async def test_an_upload_of_200_megabytes_hears_why_and_harms_nobody(world: World) -> None:
    sent = 0

    async def upload() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(200):
            yield bytes(MEGABYTE)
            sent += MEGABYTE

    async with api(world, SMALL) as http:
        large, small = await asyncio.gather(
            http.call("POST", MESSAGES, data=upload()), http.call("POST", MESSAGES, data=TWO_SECONDS)
        )
    assert large.problem == (413, "too_large")
    assert sent < 100 * MEGABYTE
    assert small.status == 201


async def test_without_the_token_no_body_is_waited_for(world: World) -> None:
    request = f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n".encode()
    async with api(world, SMALL) as http:
        octets = await http.talk(request)
    assert octets.startswith(b"HTTP/1.1 401 ")


async def test_a_client_that_asks_first_is_told_before_it_sends(world: World) -> None:
    announced = HEAD + b"Expect: 100-continue\r\nContent-Length: 200000000\r\n\r\n"
    async with api(world, SMALL) as http:
        assert (await http.talk(announced)).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_asks_first_is_invited_when_its_body_is_wanted(http: Api) -> None:
    request = HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 4\r\n\r\nRIFF"
    octets = await http.talk(request)
    assert octets.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 422 ")


async def test_a_compressed_body_is_refused(http: Api) -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = await http.call("POST", MESSAGES, data=TWO_SECONDS, headers=headers)
    assert answer.problem == (415, "unsupported_encoding")


async def test_a_body_that_does_not_come_is_not_waited_for(world: World) -> None:
    async with api(world, HttpSettings(body_seconds=0.05, linger_seconds=0)) as http:
        octets = await http.talk(HEAD + b"Content-Length: 10\r\n\r\nhalf")
    assert octets.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_breaks_off_makes_no_message(http: Api, world: World) -> None:
    with structlog.testing.capture_logs() as events:
        _, writer = await asyncio.open_connection("127.0.0.1", http.port)
        writer.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        answer = await http.call("GET", MESSAGES)
    assert answer.json["messages"] == []
    assert "request_failed" not in [event["event"] for event in events]


async def test_chunks_that_begin_garbled_are_a_bad_request(http: Api) -> None:
    octets = await http.talk(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello")
    assert octets.startswith(b"HTTP/1.0 400 ")


async def test_chunks_that_turn_to_garbage_are_not_waited_for(world: World) -> None:
    async with api(world, HttpSettings(body_seconds=0.05, linger_seconds=0)) as http:
        reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
        try:
            writer.write(HEAD + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"4\r\nRIFF\r\nzz\r\n")
            assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("octets", [b"\x16\x03\x01\x00\xf1\x01\x00\r\n\r\n", b"EHLO x\r\n\r\n", b"\0" * 9000])
async def test_garbage_is_refused_and_the_next_request_served(http: Api, octets: bytes) -> None:
    assert (await http.talk(octets)).startswith(b"HTTP/1.0 400 ")
    assert (await http.call("GET", "/healthz")).status == 200


async def test_garbage_is_worth_a_line_in_the_log_and_no_traceback(
    http: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await http.talk(b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
    (record,) = [one for one in caplog.records if one.name == "vvm.fronts.http.server"]
    assert (record.levelname, record.exc_info) == ("WARNING", None)


async def test_a_connection_too_many_is_closed(world: World) -> None:
    async with api(world, HttpSettings(max_connections=1)) as http:
        assert (await http.call("GET", "/healthz")).status == 200
        assert await http.talk(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert (await http.call("GET", "/healthz")).status == 200


async def test_a_header_that_does_not_come_is_not_waited_for(world: World) -> None:
    async with api(world, HttpSettings(idle_seconds=0.05)) as http:
        assert await http.talk(b"GET /healthz HTTP/1.1\r\n") == b""


async def test_a_request_that_takes_too_long_is_unavailable() -> None:
    async def transcoder_hangs(audio: bytes) -> Voice:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    world = World(transcoder=transcoder_hangs)
    await world.subscriber()
    async with api(world, HttpSettings(request_seconds=0.05)) as http:
        answer = await http.call("POST", MESSAGES, data=TWO_SECONDS)
    assert answer.problem == (503, "unavailable")


async def test_deposits_beyond_the_limit_wait_for_their_turn() -> None:
    at_work, most = 0, 0
    pair = asyncio.Barrier(2)

    async def transcoder(audio: bytes) -> Voice:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await pair.wait()
        at_work -= 1
        return Voice(amr=b"#!AMR\n" + b"\x3c" * 32, milliseconds=2000, peak_dbfs=0.0)

    world = World(transcoder=transcoder)
    await world.subscriber()
    async with api(world, HttpSettings(max_deposits=2)) as http:
        answers = await asyncio.gather(*(http.call("POST", MESSAGES, data=b"x") for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert most == 2


async def test_a_stop_lets_a_request_in_progress_finish() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def transcoder(audio: bytes) -> Voice:
        begun.set()
        await go_on.wait()
        return Voice(amr=b"#!AMR\n" + b"\x3c" * 32, milliseconds=2000, peak_dbfs=0.0)

    world = World(transcoder=transcoder)
    await world.subscriber()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        async with api(world) as http:
            url = f"http://127.0.0.1:{http.port}{MESSAGES}"
            request = asyncio.ensure_future(session.post(url, data=b"x"))
            await begun.wait()
            asyncio.get_running_loop().call_soon(go_on.set)
        async with await request as answer:
            assert answer.status == 201


async def test_a_stop_that_was_announced_answers_who_has_just_connected(world: World) -> None:
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def part() -> None:
        async with api(world, HttpSettings(notice_seconds=0.1)) as http:
            bound.set_result(http.port)
            await asyncio.Event().wait()

    running = asyncio.ensure_future(part())
    # The kernel has let it in, and we have not looked yet.
    peer = socket.create_connection(("127.0.0.1", await bound))
    running.cancel()  # as the program ends its parts
    reader, writer = await asyncio.open_connection(sock=peer)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.transport.abort()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_health_asks_for_no_token(http: Api) -> None:
    assert (await http.call("GET", "/healthz", token=None)).json == {"status": "alive"}
    assert (await http.call("GET", "/readyz", token=None)).json == {"status": "ready"}


class OutboxOfOthers(MemoryOutbox):
    """Whose rows a newer release wrote, for a cause of its own."""

    async def has_dead_letters(self) -> bool:
        return True

    async def dead_letters(self, **asked: object) -> Sequence[NotificationRecord]:
        raise ValueError("'beam' is not a valid Cause")


async def test_readiness_reads_nothing_that_a_newer_release_may_have_written(world: World) -> None:
    async with api(world, outbox=OutboxOfOthers()) as http:
        assert (await http.call("GET", "/readyz", token=None)).json == {"status": "ready"}


class OutboxAway(MemoryOutbox):
    """The store does not answer."""

    async def has_dead_letters(self) -> bool:
        raise Outage("disk on fire")


class OutboxSilent(MemoryOutbox):
    """The store never answers."""

    async def has_dead_letters(self) -> bool:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


@pytest.mark.parametrize("outbox", [OutboxAway(), OutboxSilent()])
async def test_without_its_store_the_process_lives_and_is_not_ready(
    world: World, outbox: MemoryOutbox
) -> None:
    async with api(world, HttpSettings(ready_seconds=0.05), outbox=outbox) as http:
        answer = await http.call("GET", "/readyz", token=None)
        assert (await http.call("GET", "/healthz", token=None)).status == 200
    assert answer.problem == (503, "unavailable")
    assert "fire" not in answer.text


async def test_a_store_that_takes_no_writes_is_not_ready(world: World) -> None:
    async def full() -> None:
        raise Outage("disk is full")

    async with api(world, prove=full) as http:
        assert (await http.call("GET", "/readyz", token=None)).problem == (503, "unavailable")
        assert (await http.call("GET", "/healthz", token=None)).status == 200


async def test_a_node_that_is_about_to_stop_serves_on_is_not_ready_and_keeps_no_connection(
    world: World,
) -> None:
    left = asyncio.Event()
    async with api(world, leaving=left.is_set) as http:
        assert "Connection" not in (await http.call("GET", f"/v1/subscribers/{ALICE}")).headers
        left.set()
        assert (await http.call("GET", "/readyz", token=None)).problem == (503, "unavailable")
        answer = await http.call("GET", f"/v1/subscribers/{ALICE}")
    assert (answer.status, answer.headers["Connection"]) == (200, "close")


async def test_metrics_count_requests_by_pattern_and_never_by_number(http: Api) -> None:
    await http.call("GET", f"/v1/subscribers/{ALICE}")
    await http.call("PROPFIND", "/v1/subscribers")
    answer = await http.call("GET", "/metrics", token=None)
    assert answer.headers["Content-Type"].startswith("text/plain")
    labels = '{method="GET",route="/v1/subscribers/{msisdn}",status="200"}'
    assert f"vvm_http_request_seconds_count{labels} 1.0" in answer.text
    assert 'method="other"' in answer.text
    assert "33612345678" not in answer.text


async def test_the_event_of_a_refused_request_says_why(http: Api) -> None:
    with structlog.testing.capture_logs() as events:
        await http.call("GET", f"/v1/subscribers/{CALLER}")
        await http.call("GET", f"/v1/subscribers/{ALICE}")
    refused, served = (one for one in events if one["event"] == "request_served")
    assert (refused["status"], refused["code"]) == (404, "unknown_subscriber")
    assert (served["status"], served["code"]) == (200, None)


async def test_one_event_tells_of_a_request_and_not_of_its_query(http: Api) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as events:
        answer = await http.call("POST", f"{MESSAGES}?from={CALLER}", data=TWO_SECONDS)
    (event,) = [one for one in events if one["event"] == "request_served"]
    assert event["route"] == "/v1/subscribers/{msisdn}/messages"
    assert (event["method"], event["msisdn"], event["status"]) == ("POST", ALICE, 201)
    assert event["request_id"] == answer.headers["X-Request-Id"]
    assert CALLER not in str(events)
    assert TOKEN not in str(events)


async def test_a_request_id_that_is_harmless_comes_back(http: Api) -> None:
    answer = await http.call("GET", "/healthz", headers={"X-Request-Id": "call.17_a-b"})
    assert answer.headers["X-Request-Id"] == "call.17_a-b"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, '{"a":1}'])
async def test_a_request_id_that_is_not_is_replaced(http: Api, given: str) -> None:
    answer = await http.call("GET", "/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 32


async def test_no_answer_tells_what_we_are_made_of(http: Api) -> None:
    assert (await http.call("GET", "/healthz")).headers["Server"] == "vvm"
