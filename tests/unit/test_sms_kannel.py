# SPDX-License-Identifier: Apache-2.0
"""The Kannel transport against a smsbox made of a few lines; tests/peers/kannel has the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote_from_bytes

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from sms_gateway.gateway import SmsGateway
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.port import Coding, MessageState, Refused, Retry, Sent, Waiting, WaitingForm
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from tests.unit.sms_world import ACTIVATE, HANDSET, LONG, SYNC, CountingMetrics, logged, sms

TOKEN = "t&%C"  # every octet of it means something to somebody on the way


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)


class Smsbox:
    """Answers ``sendsms`` with the statuses it is told, then with 202; None never answers."""

    def __init__(self) -> None:
        self.statuses: list[int | None] = []
        self.requests: list[dict[str, bytes]] = []
        self.news = asyncio.Event()

    async def sendsms(self, request: web.Request) -> web.Response:
        pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True, encoding="latin-1")
        self.requests.append({name: value.encode("latin-1") for name, value in pairs})
        self.news.set()
        status = self.statuses.pop(0) if self.statuses else 202
        if status is None:
            await asyncio.Event().wait()
        return web.Response(status=status or 500, text="0: Accepted for delivery")


class World:
    def __init__(self) -> None:
        self.smsbox = Smsbox()
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.metrics = CountingMetrics()
        self.reports = ""
        self.session: aiohttp.ClientSession

    async def report(self, path: str, **values: bytes) -> int:
        """What Kannel calls; returns the HTTP status."""
        query = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in values.items())
        url = URL(f"{self.reports}/kannel/{path}?{query}", encoded=True)
        async with self.session.get(url) as response:
            assert await response.read() == b"", "Kannel would send it to the handset"
            return response.status

    async def retried(self) -> list[Retry]:
        assert await self.outbox.settled(1) == Sent()
        return [outcome for _, outcome in self.outbox.outcomes if isinstance(outcome, Retry)]


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def world(**changes: object) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        it = World()
        app = web.Application()
        app.router.add_get("/cgi-bin/sendsms", it.smsbox.sendsms)
        url = await stack.enter_async_context(serving(app))
        fields: dict[str, object] = {
            "url": f"{url}/cgi-bin/sendsms",
            "password": "secret",
            "callback_password": TOKEN,
            "rate": 10_000.0,
            "retry_first_seconds": 0.01,
            "unknown_seconds": 0.01,
            "locked_out_seconds": 0.01,
            "throttle_pause_seconds": 0.01,
            "drain_seconds": 0.05,
        }
        settings = KannelSettings(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand
        gateway = SmsGateway(
            [], it.outbox, it.inbox, kannels=[settings], clock=StillClock(), metrics=it.metrics
        )
        it.reports = await stack.enter_async_context(serving(gateway.callbacks()))
        it.session = await stack.enter_async_context(aiohttp.ClientSession())
        task = asyncio.create_task(gateway.run())
        try:
            yield it
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"coding": b"1", "text": SYNC.encode(), "udh": bytes.fromhex("060504157b0000")}),
        ({"port": 0}, {"coding": b"1", "text": SYNC.encode()}),
        ({"coding": Coding.GSM7, "text": "a@€", "port": 0}, {"coding": b"0", "text": "a@€".encode()}),
        ({"coding": Coding.UCS2, "text": "ж", "port": 0}, {"coding": b"2", "text": b"\x04\x36"}),
    ],
)
async def test_a_segment_is_a_request(changes: dict[str, object], expected: dict[str, bytes]) -> None:
    async with world(dlr_mask=0) as it:
        it.outbox.put(sms(**changes))
        assert await it.outbox.settled(1) == Sent()
        (request,) = it.smsbox.requests
        fixed = {
            "username": b"vvm",
            "password": b"secret",
            "from": b"5511",
            "to": HANDSET.encode(),
            "validity": b"1440",
        }
        assert request == fixed | expected
        assert it.metrics.statuses == [0]


async def test_a_kannel_may_be_told_by_which_smsc_to_send() -> None:
    async with world(smsc="MAIN") as it:
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        assert it.smsbox.requests[0]["smsc"] == b"MAIN"


async def test_a_long_sms_is_a_request_for_each_segment_and_goes_on_where_it_stopped() -> None:
    async with world() as it:
        it.smsbox.statuses = [202, 503]
        it.outbox.put(sms(text=LONG))
        assert len(await it.retried()) == 1
        headers = [request["udh"].hex() for request in it.smsbox.requests]
        assert headers == [f"0b0504157b000000035a02{number:02x}" for number in (1, 2, 2)]
        assert [accepted.segment for accepted in it.outbox.accepted] == [1, 2]


@pytest.mark.parametrize(
    ("waiting", "text", "expected"),
    [
        (Waiting(5), "", {"mwi": b"0", "udh": bytes.fromhex("0401020005"), "text": b""}),
        (Waiting(0), "", {"mwi": b"4", "udh": bytes.fromhex("0401020000"), "text": b""}),
        (Waiting(5, form=WaitingForm.CODING), "ok", {"mwi": b"0", "text": b"ok"}),
        (Waiting(5, form=WaitingForm.HEADER), "", {"udh": bytes.fromhex("0401020005"), "text": b""}),
    ],
)
async def test_an_indication_is_said_in_kannels_words(
    waiting: Waiting, text: str, expected: dict[str, bytes]
) -> None:
    async with world() as it:
        it.outbox.put(sms(text=text, waiting=waiting, port=0, coding=Coding.GSM7))
        assert await it.outbox.settled(1) == Sent()
        (request,) = it.smsbox.requests
        assert {name: request[name] for name in ("mwi", "udh", "text") if name in request} == expected


async def test_its_reports_come_back_with_our_own_message_id() -> None:
    async with world() as it:
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        template = it.smsbox.requests[0]["dlr-url"].decode()
        assert it.smsbox.requests[0]["dlr-mask"] == b"19"
        path, _, query = template.partition("?")
        assert path == "http://127.0.0.1:8081/kannel/dlr"
        filled = query.replace("%d", "1").replace("%A", "").replace("%%", "%")
        values = {name: value.encode() for name, value in parse_qsl(filled)}
        assert await it.report("dlr", **values) == 200
        (receipt,) = it.outbox.receipts
        (accepted,) = it.outbox.accepted
        assert (receipt.message_id, receipt.smsc) == (accepted.message_id, accepted.smsc)
        assert (receipt.state, receipt.recipient) == (MessageState.DELIVERED, HANDSET)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (b"1", MessageState.DELIVERED),
        (b"2", MessageState.UNDELIVERABLE),
        (b"4", MessageState.ENROUTE),
        (b"8", MessageState.ACCEPTED),
        (b"16", MessageState.REJECTED),
        (b"77", MessageState.UNKNOWN),
    ],
)
async def test_every_type_of_report_has_a_state(number: bytes, state: MessageState) -> None:
    async with world() as it:
        report = {"token": TOKEN.encode(), "id": b"x", "type": number, "to": b"+1", "reply": b"NACK/\xff"}
        assert await it.report("dlr", **report) == 200
        assert (it.outbox.receipts[0].state, it.outbox.receipts[0].octets) == (state, b"NACK/\xff")


@pytest.mark.parametrize(("status", "counted"), [(503, True), (500, True), (429, False), (403, False)])
async def test_what_may_pass_is_tried_again(status: int, *, counted: bool) -> None:
    with logged() as logs:
        async with world() as it:
            it.smsbox.statuses = [status]
            it.outbox.put(sms())
            assert [retry.counted for retry in await it.retried()] == [counted]
        assert bool(logs.named("smsc_credentials_refused")) is (status == 403)
        assert it.metrics.statuses == [status, 0]
        assert "secret" not in repr(logs.entries)


async def test_what_is_refused_for_good_is_not_tried_again() -> None:
    async with world() as it:
        it.smsbox.statuses = [400]
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Refused(None, reason="kannel_http_400")


async def test_a_request_without_an_answer_has_an_unknown_outcome() -> None:
    async with world(request_seconds=0.05) as it:
        it.smsbox.statuses = [None]
        it.outbox.put(sms())
        assert [retry.counted for retry in await it.retried()] == [True]


async def test_a_kannel_that_is_away_costs_no_attempt_and_opens_the_circuit() -> None:
    with logged() as logs:
        async with world(url="http://127.0.0.1:1/cgi-bin/sendsms", circuit_failures=2) as it:
            it.outbox.put(sms())
            opened = await logs.wait("smsc_circuit_opened")
            assert opened["smsc"] == "kannel"
            retries = [outcome for _, outcome in it.outbox.outcomes if isinstance(outcome, Retry)]
            assert not any(retry.counted for retry in retries)


async def test_stopping_gives_back_what_waits_for_an_answer_for_its_turn_or_for_a_place() -> None:
    async with world(window=1, drain_seconds=0.02) as it:
        it.smsbox.statuses = [None]
        it.outbox.put(sms(1), sms(2))
        await it.outbox.until(lambda: len(it.outbox.leased) == 2)
        await it.smsbox.news.wait()
    assert it.outbox.leased == {}
    given_back = dict(it.outbox.outcomes)
    assert isinstance(given_back[1], Retry)
    assert given_back[1].counted  # Kannel may have it
    assert isinstance(given_back[2], Retry)
    assert not given_back[2].counted


async def test_stopping_ends_what_is_not_answered() -> None:
    async with world() as it:
        it.smsbox.statuses = [None]
        it.outbox.put(sms())
        await it.smsbox.news.wait()
    assert [outcome.counted for _, outcome in it.outbox.outcomes if isinstance(outcome, Retry)] == [True]


def mo(text: bytes = ACTIVATE.encode(), **values: bytes) -> dict[str, bytes]:
    fixed = {"token": TOKEN.encode(), "from": HANDSET.encode(), "to": b"5511", "coding": b"1", "bin": text}
    return fixed | values


@pytest.mark.parametrize(
    ("report", "text", "coding", "port"),
    [
        (mo(udh=bytes.fromhex("060504157b0000")), ACTIVATE, Coding.OCTETS, 5499),
        (mo(udh=b""), ACTIVATE, Coding.OCTETS, None),
        (mo("é@€".encode(), coding=b"0"), "é@€", Coding.GSM7, None),
        (mo(b"\x04\x36", coding=b"2"), "ж", Coding.UCS2, None),
        (mo(b"\xff\xfe"), None, Coding.OCTETS, None),
    ],
)
async def test_an_sms_from_a_handset_is_kept_before_it_is_acknowledged(
    report: dict[str, bytes], text: str | None, coding: Coding, port: int | None
) -> None:
    async with world() as it:
        assert await it.report("mo", **report) == 200
        (message,) = it.inbox.messages
        assert (message.text, message.coding, message.port) == (text, coding, port)
        assert (message.originator, message.destination, message.smsc) == (HANDSET, "5511", "kannel")


async def test_segments_are_joined() -> None:
    async with world() as it:
        one, two = (bytes.fromhex(f"0500035a02{number:02x}") for number in (1, 2))
        assert await it.report("mo", **mo(b"tail", udh=two)) == 200
        assert it.inbox.messages == []
        assert await it.report("mo", **mo(b"head ", udh=one)) == 200
        assert [message.text for message in it.inbox.messages] == ["head tail"]


async def test_an_inbox_that_is_away_has_kannel_come_again() -> None:
    async with world() as it:
        it.inbox.available = it.outbox.available = False
        assert await it.report("mo", **mo()) == 503
        assert await it.report("dlr", token=TOKEN.encode(), id=b"x", type=b"1", to=b"+1") == 503
        it.outbox.available = True


async def test_garbage_is_acknowledged_and_counted() -> None:
    async with world() as it:
        assert await it.report("mo", **mo(udh=b"\x20\x05")) == 200
        assert it.inbox.messages == []
        assert it.metrics.results == ["garbage"]


@pytest.mark.parametrize("token", [{}, {"token": b"guess"}, {"token": b""}])
@pytest.mark.parametrize("path", ["mo", "dlr"])
async def test_without_the_token_nobody_is_a_handset(path: str, token: dict[str, bytes]) -> None:
    async with world() as it:
        values = {name: value for name, value in mo(id=b"x", type=b"1").items() if name != "token"}
        assert await it.report(path, **values, **token) == 403
        assert (it.inbox.messages, it.outbox.receipts) == ([], [])


async def test_a_kannel_without_a_token_is_a_mistake() -> None:
    settings = KannelSettings()
    gateway = SmsGateway([], MemoryOutbox(), MemoryInbox(), kannels=[settings], clock=StillClock())
    with pytest.raises(ValueError, match="callback_password"):
        gateway.callbacks()


def test_passwords_are_not_shown() -> None:
    assert "secret" not in repr(KannelSettings(password="secret", callback_password="secret"))


async def test_a_validity_below_a_minute_is_left_to_kannel() -> None:
    async with world() as it:
        it.outbox.put(sms(validity=timedelta(seconds=59)))
        assert await it.outbox.settled(1) == Sent()
        assert "validity" not in it.smsbox.requests[0]
