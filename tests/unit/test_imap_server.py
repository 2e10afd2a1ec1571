# SPDX-License-Identifier: Apache-2.0
"""The shell around sessions, over real sockets: clocks, counts, back-pressure, ends and bugs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from imap_server import dispatch
from imap_server.backend import Changes, MessageRecord, Unavailable
from imap_server.commands import STANDARD
from imap_server.connection import Connection
from imap_server.metrics import Limit, NoMetrics
from imap_server.server import ImapServer, Listener
from imap_server.session import ANY, Session
from imap_server.settings import ImapSettings
from imap_server.shared import Shared
from imap_server.wire.lexer import Lexer
from tests.dialogues.memory_backend import MemoryBackend
from tests.dialogues.memory_folder import Folder
from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.runner import PATIENCE_SECONDS, Client, Runner, connect, plays_in, read

PHONE = "+33612345678"
DIALOGUES = [
    path
    for path in sorted((Path(__file__).parents[1] / "dialogues").glob("*.txt"))
    if plays_in(path, "library")
]


class Figures(NoMetrics):
    """Remembers what was counted; ``closed`` is set when a connection ends."""

    def __init__(self) -> None:
        self.limits: list[Limit] = []
        self.commands: list[tuple[str, str]] = []
        self.logins: list[str] = []
        self.closed = asyncio.Event()

    def connection_closed(self) -> None:
        self.closed.set()

    def login(self, outcome: str) -> None:
        self.logins.append(outcome)

    def command(self, name: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.commands.append((name, outcome))

    def limit_reached(self, limit: Limit) -> None:
        self.limits.append(limit)


@asynccontextmanager
async def client(world: MemoryWorld, *, tls: bool = True) -> AsyncIterator[Client]:
    """A connection whose greeting was read."""
    peer = await connect(world, tls=tls)
    try:
        assert (await peer.response()).startswith("* OK ")
        yield peer
    finally:
        await peer.close()


async def logged_in(world: MemoryWorld, peer: Client, *, messages: int = 1, select: bool = True) -> Folder:
    """Log in as a new subscriber and select INBOX."""
    credentials = await world.provide(PHONE, messages=messages)
    await say(peer, f"l LOGIN {credentials.user} {credentials.password}", until="l OK")
    if select:
        await say(peer, "s SELECT INBOX", until="s OK")
    return world.inbox(PHONE)


async def say(peer: Client, line: str, *, until: str) -> list[str]:
    """Send a line, read up to the response that starts so."""
    await peer.send(line.encode() + b"\r\n")
    return await hear(peer, until=until)


async def hear(peer: Client, *, until: str) -> list[str]:
    heard = [await peer.response()]
    while not heard[-1].startswith(until):
        assert heard[-1], f"closed before {until!r}: {heard}"
        heard.append(await peer.response())
    return heard


async def gone(figures: Figures) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await figures.closed.wait()


# Clocks


async def test_a_client_that_says_nothing_after_login_is_sent_away() -> None:
    figures = Figures()
    settings = ImapSettings(idle_seconds=0.05, sweep_seconds=0.01)
    async with memory_world(settings, metrics=figures) as world, client(world) as peer:
        await logged_in(world, peer, select=False)
        assert await hear(peer, until="* BYE") == ["* BYE idle for too long"]
        await peer.closed()
        await gone(figures)
    assert figures.limits == [Limit.IDLE_TIME]


async def test_idle_ends_too_when_the_client_is_silent_for_too_long() -> None:
    settings = ImapSettings(idle_seconds=0.05, idle_poll_seconds=0.01, sweep_seconds=0.01)
    async with memory_world(settings) as world, client(world) as peer:
        credentials = await world.provide(PHONE, messages=1)
        login = f"l LOGIN {credentials.user} {credentials.password}"
        heard = await say(peer, f"{login}\r\ns SELECT INBOX\r\ni IDLE", until="* BYE")
        assert heard[-2:] == ["+ idling", "* BYE idle for too long"]
        await peer.closed()
        assert world.inbox(PHONE).watchers == []


async def test_commands_do_not_lengthen_the_time_to_log_in() -> None:
    settings = ImapSettings(login_seconds=0.3, sweep_seconds=0.01)
    async with memory_world(settings) as world, client(world, tls=False) as peer:
        heard = [""]
        while not heard[0].startswith("* BYE"):
            heard = await say(peer, "n NOOP", until="")
        assert heard == ["* BYE no login in time"]
        await peer.closed()


async def test_a_command_that_dribbles_in_has_to_end_in_time() -> None:
    figures = Figures()
    settings = ImapSettings(command_seconds=0.05, sweep_seconds=0.01)
    async with memory_world(settings, metrics=figures) as world, client(world) as peer:
        await logged_in(world, peer)
        await peer.send(b"d NO")
        assert await hear(peer, until="* BYE") == ["* BYE command took too long"]
        await gone(figures)
    assert figures.limits == [Limit.COMMAND_TIME]


async def test_a_storage_that_hangs_costs_its_command_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Folder, since_modseq: int) -> Changes:
        await asyncio.Event().wait()
        raise AssertionError

    settings = ImapSettings(command_seconds=0.05, sweep_seconds=0.01)
    async with memory_world(settings) as world, client(world) as peer:
        await logged_in(world, peer)
        monkeypatch.setattr(Folder, "changes", never)
        assert await say(peer, "u UID SEARCH ALL", until="* BYE") == ["* BYE command took too long"]
        await peer.closed()


async def test_a_peer_that_does_not_read_costs_neither_memory_nor_a_connection() -> None:
    figures = Figures()
    settings = ImapSettings(write_seconds=0.05, sweep_seconds=0.01)
    async with memory_world(settings, metrics=figures) as world, client(world) as peer:
        folder = await logged_in(world, peer, messages=0)
        await world.deposit(PHONE, seconds=400, caller="+33698765432")
        asked = 100
        await peer.send(b"".join(b"%d FETCH 1 BODY.PEEK[]\r\n" % n for n in range(asked)))
        await gone(figures)
        assert world.server.connections == 0
        assert 0 < folder.reads < asked
    assert figures.limits == [Limit.WRITE_TIME]


class DeafTransport(asyncio.Transport):
    """Remembers whether it was told to stop reading."""

    paused = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.paused = True


class OpenHouse:
    """Takes every connection in and runs none: to the connection, a command seems to run for ever."""

    def opened(self, connection: Connection) -> None:
        """It does not start."""

    def closed(self, connection: Connection) -> None:
        raise AssertionError


async def test_a_peer_that_sends_while_its_command_runs_has_to_wait() -> None:
    shared = Shared(
        backend=MemoryBackend(),
        settings=ImapSettings(max_read_ahead_bytes=100),
        metrics=NoMetrics(),
        commands=dispatch.table(STANDARD),
        capabilities=(),
        tls=None,
        end_point=lambda: None,
        received=memoryview(bytearray(b"x" * 1000)),
    )
    connection = Connection(shared, OpenHouse(), number=1, address="192.0.2.1", implicit_tls=False)
    transport = DeafTransport()
    connection.connection_made(transport)
    connection.buffer_updated(100)
    assert not transport.paused
    connection.buffer_updated(1)
    assert transport.paused


# Counts


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        (ImapSettings(max_connections=1), Limit.CONNECTIONS),
        (ImapSettings(max_connections_per_address=1), Limit.CONNECTIONS_PER_ADDRESS),
    ],
)
async def test_one_connection_too_many_is_refused_and_the_others_go_on(
    settings: ImapSettings, limit: Limit
) -> None:
    figures = Figures()
    async with memory_world(settings, metrics=figures) as world, client(world) as first:
        second = await connect(world, tls=False)
        assert await second.response() == f"* BYE {limit.value}"
        await second.closed()
        await second.close()
        with pytest.raises(OSError):  # noqa: PT011 - reset or aborted, as the system has it
            await connect(world, tls=True)
        await say(first, "n NOOP", until="n OK")
        await say(first, "o LOGOUT", until="o OK")
        await first.closed()
        await gone(figures)
        async with client(world) as third:
            await say(third, "n NOOP", until="n OK")
    assert figures.limits == [limit, limit]


async def test_guessing_passwords_ends_the_connection_after_the_answer() -> None:
    figures = Figures()
    settings = ImapSettings(max_failed_logins=2, failed_login_seconds=0.0)
    async with memory_world(settings, metrics=figures) as world, client(world) as peer:
        await say(peer, "1 LOGIN nobody x", until="1 NO unknown user")
        heard = await say(peer, "2 LOGIN nobody y", until="* BYE")
        assert heard == ["2 NO unknown user", "* BYE too many failed logins"]
        await peer.closed()
        await gone(figures)
    assert figures.logins == ["denied", "denied"]
    assert figures.limits == [Limit.FAILED_LOGINS]


async def test_a_line_without_end_is_cut_off() -> None:
    async with memory_world() as world, client(world) as peer:
        await peer.send(b"a LOGIN " + b"x" * 9000)
        assert await hear(peer, until="* BYE") == ["* BYE line too long"]
        await peer.closed()


async def test_commands_sent_in_one_piece_are_answered_in_order() -> None:
    async with memory_world() as world, client(world) as peer:
        await logged_in(world, peer)
        tags = range(20_000)
        async with asyncio.TaskGroup() as group:
            group.create_task(peer.send(b"".join(b"%d NOOP\r\n" % tag for tag in tags)))
            heard = await hear(peer, until=f"{tags[-1]} OK")
        assert [int(line.split()[0]) for line in heard] == list(tags)


async def test_commands_and_logins_are_counted() -> None:
    figures = Figures()
    async with memory_world(metrics=figures) as world, client(world) as peer:
        await logged_in(world, peer)
        await say(peer, "a FETCH x", until="a BAD")
        await say(peer, "b STORE 1 FLAGS (\\Draft)", until="b NO")
    assert figures.logins == ["ok"]
    assert figures.commands == [("LOGIN", "ok"), ("SELECT", "ok"), ("FETCH", "bad"), ("STORE", "no")]


# Ends


async def test_stopping_answers_the_command_that_runs_and_says_bye(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release = asyncio.Event(), asyncio.Event()
    original = Folder.messages

    async def slow(self: Folder, uids: Sequence[int]) -> Sequence[MessageRecord]:
        begun.set()
        await release.wait()
        return await original(self, uids)

    monkeypatch.setattr(Folder, "messages", slow)
    async with memory_world() as world, client(world) as busy, client(world) as idle:
        await logged_in(world, busy)
        await busy.send(b"f FETCH 1 RFC822.SIZE\r\n")
        await begun.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(world.server.stop(PATIENCE_SECONDS))
            assert await hear(idle, until="* BYE") == ["* BYE server is shutting down"]
            release.set()
            heard = await hear(busy, until="* BYE")
        assert [line.split()[0] for line in heard] == ["*", "f", "*"]
        await busy.closed()


async def test_stopping_cuts_what_does_not_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def never(self: Folder, uids: Sequence[int]) -> Sequence[MessageRecord]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Folder, "messages", never)
    async with memory_world() as world, client(world) as peer:
        await logged_in(world, peer)
        await peer.send(b"f FETCH 1 RFC822.SIZE\r\n")
        await begun.wait()
        await world.server.stop(0.01)
        await peer.closed()
        assert world.server.connections == 0


async def test_a_client_that_vanishes_in_idle_leaves_nothing_behind() -> None:
    figures = Figures()
    async with memory_world(metrics=figures) as world:
        async with client(world) as peer:
            folder = await logged_in(world, peer)
            await say(peer, "i IDLE", until="+ ")
            assert len(folder.watchers) == 1
        await gone(figures)
        assert folder.watchers == []
        assert world.server.connections == 0


async def test_a_handshake_that_fails_costs_only_its_connection() -> None:
    figures = Figures()
    async with memory_world(metrics=figures) as world, client(world, tls=False) as peer:
        await say(peer, "s STARTTLS", until="s OK")
        await peer.send(b"this is no handshake\r\n")
        await gone(figures)
        async with client(world) as other:
            await say(other, "n NOOP", until="n OK")
    assert figures.limits == [Limit.HANDSHAKE]


async def test_a_handshake_that_never_comes_is_given_up() -> None:
    figures = Figures()
    settings = ImapSettings(tls_handshake_seconds=0.05)
    async with memory_world(settings, metrics=figures) as world, client(world, tls=False) as peer:
        await say(peer, "s STARTTLS", until="s OK")
        await gone(figures)
        assert world.server.connections == 0
    assert figures.limits == [Limit.HANDSHAKE]


async def test_a_bug_ends_its_connection_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Folder, uids: Sequence[int]) -> Sequence[MessageRecord]:
        raise ZeroDivisionError

    monkeypatch.setattr(Folder, "messages", broken)
    async with memory_world() as world, client(world) as unlucky, client(world) as other:
        await logged_in(world, unlucky)
        assert await say(unlucky, "f FETCH 1 ALL", until="* BYE") == ["* BYE application error"]
        await unlucky.closed()
        await say(other, "n NOOP", until="n OK")


@pytest.mark.parametrize(
    "line",
    [
        "x SELECT INBOX",
        "x SEARCH ALL",
        "x UID SEARCH UID 1",
        "x FETCH 1 FLAGS",
        "x UID FETCH 1 BODY[]",
        "x STORE 1 +FLAGS (\\Seen)",
        "x EXPUNGE",
        "x NOOP",
    ],
)
async def test_an_outage_ends_the_connection_with_nothing_tagged(line: str) -> None:
    async with memory_world() as world, client(world) as peer:
        await logged_in(world, peer)
        world.backend.power.down = True
        assert await say(peer, line, until="* BYE") == ["* BYE application error"]
        await peer.closed()


async def test_an_outage_half_way_takes_back_what_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def out_of_reach(self: Folder, uids: Sequence[int]) -> Sequence[MessageRecord]:
        raise Unavailable

    monkeypatch.setattr(Folder, "messages", out_of_reach)
    async with memory_world() as world, client(world) as peer:
        await logged_in(world, peer)
        await world.deposit(PHONE, seconds=1, caller="+33698765432")
        assert await say(peer, "f FETCH 1:2 ALL", until="* BYE") == ["* BYE application error"]
        await peer.closed()


# What the embedder decides


class Ping:
    """A command handed in from outside."""

    NAME = b"XPING"
    STATES = ANY
    CAPABILITY = b"XPING"

    def parse(self, line: Lexer) -> str:
        line.space()
        text = line.text()
        line.end()
        return text

    async def run(self, session: Session, command: str) -> None:
        session.untagged(b"XPONG " + command.encode())
        session.ok("ponged")


async def test_commands_can_be_handed_in() -> None:
    server = ImapServer(MemoryBackend(), ImapSettings(), tls=None, extensions=[dispatch.command(Ping())])
    server.bind([Listener("127.0.0.1", 0)])
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[0])
        peer = Client(reader, writer)
        assert "XPING" in await peer.response()
        assert await say(peer, "p xping hello", until="p OK") == ["* XPONG hello", "p OK ponged"]
        await peer.close()
        await server.stop(PATIENCE_SECONDS)


def test_tls_from_the_first_octet_needs_a_context() -> None:
    async def run() -> None:
        server = ImapServer(MemoryBackend(), ImapSettings(), tls=None)
        with pytest.raises(ValueError, match="TLS context"):
            server.bind([Listener("127.0.0.1", 0, implicit_tls=True)])

    asyncio.run(run())


async def test_without_a_tls_context_starttls_is_not_offered() -> None:
    settings = ImapSettings(require_tls=False)
    async with memory_world(settings, clear=True) as world, client(world, tls=False) as peer:
        heard = await say(peer, "c CAPABILITY", until="c OK")
        assert "STARTTLS" not in heard[0]
        assert "AUTH=PLAIN" in heard[0]
        await say(peer, "s STARTTLS", until="s BAD")
        await logged_in(world, peer)


@pytest.mark.parametrize("path", DIALOGUES, ids=[path.stem for path in DIALOGUES])
def test_uvloop_plays_every_dialogue_too(path: Path) -> None:
    async def play() -> None:
        async with memory_world() as world:
            await Runner(world).play(read(path))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play())


@pytest.mark.parametrize(("literal_plus", "word"), [(False, "LITERAL-"), (True, "LITERAL+")])
async def test_the_setting_says_which_literals_clients_may_use(literal_plus: bool, word: str) -> None:
    settings = ImapSettings(literal_plus=literal_plus)
    async with memory_world(settings) as world, client(world) as peer:
        heard = await say(peer, "a CAPABILITY", until="a OK")
        assert heard[0].split()[-1] == word
