# SPDX-License-Identifier: Apache-2.0
"""The ARI client against a node that answers badly, and intake against one that forgets nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from tests.peers.asterisk.recorder import RecordingDepositor
from vvm.domain.clock import FixedClock
from vvm.domain.errors import Outage, TooLarge
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.ari import AriClient, AriOutage, AriRefusal, Gone
from vvm.fronts.asterisk.depositor import Delivery, Outcome
from vvm.fronts.asterisk.events import StasisEnd, StasisStart, channel_of, decode
from vvm.fronts.asterisk.intake import Intake
from vvm.fronts.asterisk.settings import AsteriskSettings

PASSWORD = "correct horse"
OURS = "vvm/33612345678-1795387537-_2b33698765432-0f8fad5bd9cb469fa16570867728950e"
OTHER = "vvm/33612345678-1795387999--1f8fad5bd9cb469fa16570867728950e"

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client(answer: Answer, **changes: float) -> AsyncIterator[AriClient]:
    """A client of a node that has one answer to everything."""
    server = web.Server(answer)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    values = {"request_seconds": 5.0, "fetch_seconds": 5.0} | changes
    settings = AsteriskSettings(ari=f"http://{host}:{port}", **values)  # type: ignore[arg-type]  # all are numbers
    try:
        async with AriClient(settings, Secret(PASSWORD)) as ari:
            yield ari
    finally:
        await runner.cleanup()


def always(status: int, body: bytes = b"") -> Answer:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, body=body)

    return answer


@pytest.mark.parametrize("status", [404, 409, 412])
async def test_a_caller_who_hung_up_in_between_is_gone(status: int) -> None:
    async with client(always(status)) as ari:
        with pytest.raises(Gone):
            await ari.answer("1.1")


@pytest.mark.parametrize("status", [302, 400, 401, 422, 500])
async def test_a_refusal_of_the_node_has_its_status(status: int) -> None:
    async with client(always(status)) as ari:
        with pytest.raises(AriRefusal, match=str(status)) as refusal:
            await ari.answer("1.1")
        assert not isinstance(refusal.value, Gone)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"value": 1}', b"\xff"])
async def test_an_answer_that_ari_does_not_promise_is_an_outage(body: bytes) -> None:
    async with client(always(200, body)) as ari:
        with pytest.raises(AriOutage):
            await ari.variable("1.1", "CALLERID(pres)")


async def test_a_recording_beyond_the_limit_is_not_read_to_its_end() -> None:
    async with client(always(200, bytes(100_000)), max_recording_bytes=70_000) as ari:
        with pytest.raises(TooLarge):
            await ari.fetch(OURS)


async def test_a_node_that_says_nothing_is_an_outage() -> None:
    released = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.Response:
        await released.wait()
        return web.Response()

    async with client(answer, request_seconds=0.05) as ari:
        with pytest.raises(AriOutage):
            await ari.answer("1.1")
        released.set()


async def test_a_node_that_is_not_there_is_an_outage() -> None:
    settings = AsteriskSettings(ari="http://127.0.0.1:1")
    async with AriClient(settings, Secret(PASSWORD)) as ari:
        with pytest.raises(AriOutage):
            await ari.answer("1.1")
        with pytest.raises(AriOutage):
            async with ari.events():
                pass


async def test_the_password_travels_in_a_header_and_shows_nowhere_else() -> None:
    seen: list[web.BaseRequest] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request)
        return web.Response(status=401)

    async with client(answer) as ari:
        with pytest.raises(AriRefusal) as refusal:
            await ari.delete(OURS)
        with pytest.raises(AriRefusal) as closed:
            async with ari.events():
                pass
    assert [request.headers["Authorization"].startswith("Basic ") for request in seen] == [True, True]
    texts = [request.path_qs for request in seen]
    texts += [repr(error.value) + repr(error.value.__cause__) for error in (refusal, closed)]
    assert not any("correct" in text or "horse" in text for text in texts)


async def test_the_slash_of_a_name_does_not_split_the_path() -> None:
    paths: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        paths.append(request.raw_path)
        return web.Response(status=204)

    async with client(answer) as ari:
        await ari.delete(OURS)
    assert paths == ["/ari/recordings/stored/" + OURS.replace("/", "%2F")]


async def test_only_channels_of_our_application_are_ours() -> None:
    channels = [
        {"id": str(number), "caller": {"number": ""}, "dialplan": {"app_name": name, "app_data": data}}
        for number, (name, data) in enumerate(
            [("Stasis", "vvm,+33612345678"), ("Stasis", "vvm2"), ("VoiceMail", "vvm"), ("Stasis", "vvm")]
        )
    ]
    async with client(always(200, json.dumps(channels).encode())) as ari:
        assert await ari.channels_inside() == ["0", "3"]


def test_an_event_of_asterisk_is_read_and_knows_its_channel() -> None:
    channel = {
        "id": "1.7",
        "caller": {"number": "+33698765432"},
        "dialplan": {"app_name": "", "app_data": ""},
    }
    start = decode(json.dumps({"type": "StasisStart", "args": ["+33612345678"], "channel": channel}))
    assert isinstance(start, StasisStart)
    assert (start.args, start.channel.caller.number, channel_of(start)) == (
        ("+33612345678",),
        "+33698765432",
        "1.7",
    )
    assert isinstance(decode(json.dumps({"type": "StasisEnd", "channel": channel})), StasisEnd)
    assert decode(b'{"type": "ChannelVarset", "value": "no matter"}') is None


class Node:
    """The recordings of a node, and what was asked of it."""

    def __init__(self, *names: str) -> None:
        self.recordings = {name: f"audio of {name}".encode() for name in names}
        self.live: set[str] = set()
        self.delete_status = 204
        self.asked: list[str] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        what = request.path.removeprefix("/ari/recordings/")
        name = what.removeprefix("stored/").removeprefix("live/").removesuffix("/file")
        self.asked.append(f"{request.method} {what}")
        if what == "stored":
            return web.json_response([{"name": name, "format": "wav"} for name in self.recordings])
        if what.startswith("live/"):
            return web.json_response({"name": name}, status=200 if name in self.live else 404)
        if name not in self.recordings:
            return web.Response(status=404)
        if request.method == "GET":
            return web.Response(body=self.recordings[name])
        if self.delete_status == 204:
            del self.recordings[name]
        return web.Response(status=self.delete_status)


@asynccontextmanager
async def taking_in(
    node: Node, deposit: RecordingDepositor, **changes: float
) -> AsyncIterator[tuple[Intake, Delivery]]:
    """An intake at work."""
    clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))
    delivery = Delivery(deposit, clock, retry_after=timedelta(minutes=15), seconds=5)
    async with client(node) as ari:
        intake = Intake(ari, delivery, AsteriskSettings(**({"recover_every": 0.01} | changes)))  # type: ignore[arg-type]  # all are numbers
        task = asyncio.create_task(intake.run())
        try:
            yield intake, delivery
        finally:
            task.cancel()
            await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    """Let the intake go on until something is so."""
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def test_a_recording_is_deposited_under_its_name_before_it_is_deleted() -> None:
    node, deposit = Node(OURS), RecordingDepositor()
    async with taking_in(node, deposit):
        await until(lambda: not node.recordings)
    assert deposit.calls == [OURS]
    assert deposit.only.audio == f"audio of {OURS}".encode()
    assert deposit.only.recipient == "+33612345678"
    assert deposit.only.envelope.caller == "+33698765432"


async def test_a_recording_that_could_not_be_deleted_is_deposited_again_under_the_same_key() -> None:
    node, deposit = Node(OURS), RecordingDepositor()
    node.delete_status = 500
    async with taking_in(node, deposit):
        await deposit.until_called(2)
        node.delete_status = 204
        await until(lambda: not node.recordings)
    assert set(deposit.calls) == set(deposit.messages) == {OURS}


async def test_nothing_is_deleted_during_an_outage() -> None:
    node, deposit = Node(OURS), RecordingDepositor()
    deposit.failure = Outage("away")
    async with taking_in(node, deposit):
        await deposit.until_called(2)
    assert OURS in node.recordings
    assert not any(request.startswith("DELETE") for request in node.asked)


async def test_a_recording_that_goes_on_is_left_alone() -> None:
    node, deposit = Node(OURS, OTHER), RecordingDepositor()
    node.live = {OURS}
    async with taking_in(node, deposit):
        await until(lambda: OTHER not in node.recordings)
        await until(lambda: node.asked.count("GET stored") > 3)
    assert deposit.calls == [OTHER]


async def test_recordings_of_other_applications_are_left_alone() -> None:
    node, deposit = Node("conference-7", OURS), RecordingDepositor()
    async with taking_in(node, deposit):
        await until(lambda: OURS not in node.recordings)
    assert deposit.calls == [OURS]
    assert list(node.recordings) == ["conference-7"]


async def test_a_name_that_says_nothing_is_kept_and_said_once() -> None:
    node, deposit = Node("vvm/by-hand", OURS), RecordingDepositor()
    async with taking_in(node, deposit) as (_, delivery):
        await until(lambda: OURS not in node.recordings)
        await until(lambda: node.asked.count("GET stored") > 3)
    assert list(node.recordings) == ["vvm/by-hand"]
    assert delivery.counts == {Outcome.REFUSED: 1, Outcome.DELIVERED: 1}


async def test_a_hint_is_followed_at_once_and_one_that_is_late_does_no_harm() -> None:
    node, deposit = Node(), RecordingDepositor()
    async with taking_in(node, deposit, recover_every=3600) as (intake, _):
        await until(lambda: "GET stored" in node.asked)
        node.recordings[OURS] = b"audio"
        intake.hint(OURS)
        intake.hint(OURS)
        await until(lambda: not node.recordings)
        intake.hint(OURS)
        intake.hint("conference-7")
        node.recordings[OTHER] = b"audio"
        intake.hint(OTHER)
        await until(lambda: not node.recordings)
    assert deposit.calls == [OURS, OTHER]
