# SPDX-License-Identifier: Apache-2.0
"""The last words of a connection reach its peer; what a phone on a slow link pays until its first message."""

from __future__ import annotations

import asyncio

import pytest

from imap_server.metrics import Limit
from imap_server.settings import ImapSettings
from tests.dialogues.memory_world import START, memory_world
from tests.dialogues.runner import Client
from tests.unit.test_imap_server import PHONE, Figures, client, gone, hear, say


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("behind", "reason"),
    [(b"x" * 9_000, "line too long"), (b"{4294967295+}\r\n", "[TOOBIG] command too long")],
)
async def test_a_peer_that_goes_on_sending_behind_our_bye_meets_no_reset(
    behind: bytes, reason: str, *, tls: bool
) -> None:
    """A reset would take our last words with it before a peer that writes first has read them."""
    settings = ImapSettings(linger_seconds=600.0)
    async with memory_world(settings) as world, client(world, tls=tls) as peer:
        await peer.send(b"a LOGIN " + behind)
        assert await hear(peer, until="* BYE") == [f"* BYE {reason}"]
        await peer.send(b"x" * 20_000_000)
        assert world.server.connections == 1


@pytest.mark.parametrize("tls", [False, True])
async def test_a_peer_that_sends_without_end_behind_our_bye_is_cut(*, tls: bool) -> None:
    settings = ImapSettings(linger_seconds=0.05, sweep_seconds=0.01)
    figures = Figures()
    async with memory_world(settings, metrics=figures) as world, client(world, tls=tls) as peer:
        await peer.send(b"a LOGIN " + b"x" * 9_000)
        assert await hear(peer, until="* BYE") == ["* BYE line too long"]
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(without_end(peer))
            await gone(figures)
        assert isinstance(sending.result(), ConnectionError)
    assert figures.limits == [Limit.LINE]


@pytest.mark.parametrize("tls", [False, True])
async def test_a_stop_does_not_wait_for_a_peer_that_sends_behind_our_bye(*, tls: bool) -> None:
    settings = ImapSettings(linger_seconds=600.0)
    async with memory_world(settings) as world, client(world, tls=tls) as peer:
        await peer.send(b"a LOGIN " + b"x" * 9_000)
        assert await hear(peer, until="* BYE") == ["* BYE line too long"]
        await world.server.stop(600.0)
        assert world.server.connections == 0


async def test_a_peer_that_waits_for_the_end_of_tls_hears_it() -> None:
    settings = ImapSettings(linger_seconds=0.05, sweep_seconds=0.01)
    async with memory_world(settings) as world, client(world) as peer:
        await peer.send(b"a LOGIN " + b"x" * 9_000)
        assert await hear(peer, until="* BYE") == ["* BYE line too long"]
        await peer.closed()


async def without_end(peer: Client) -> OSError:
    """Send until the peer has cut the connection."""
    try:
        while True:
            await peer.send(b"x" * 1_000)
    except OSError as error:
        return error


# rows: AUTH-13
async def test_who_knows_the_password_does_not_wait_for_those_who_guess() -> None:
    settings = ImapSettings(failed_login_seconds=600.0)
    async with memory_world(settings) as world, client(world) as guesser, client(world) as owner:
        credentials = await world.provide(PHONE, messages=0)
        await guesser.send(f"g LOGIN {credentials.user} wrong\r\n".encode())
        assert await say(owner, f"l LOGIN {credentials.user} {credentials.password}", until="l OK")
        assert await say(owner, "s SELECT INBOX", until="s OK")


# rows: IMAP-18
async def test_a_first_sync_costs_few_round_trips_and_hardly_more_than_its_message() -> None:
    """Of 100 KB, within 5 s: at 384 kbit/s and 300 ms there and back, 4 turns and 170,000 octets are left."""
    async with memory_world() as world, client(world) as peer:
        credentials = await world.provide(PHONE, messages=1)
        sent = world.inbox(PHONE).append(b"Subject: long\r\n\r\n" + b"x" * 137_000, START)
        heard = [
            *await say(peer, f"1 LOGIN {credentials.user} {credentials.password}", until="1 OK"),
            *await say(peer, "2 SELECT INBOX", until="2 OK"),
            *await say(peer, "3 UID SEARCH 1:* NOT DELETED", until="3 OK"),
            *await say(peer, f"4 UID FETCH {sent} BODY.PEEK[]", until="4 OK"),
        ]
        assert sum(map(len, heard)) < 140_000
