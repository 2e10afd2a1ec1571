# SPDX-License-Identifier: Apache-2.0
"""Plays a dialogue: a text file that says what clients send and what must come back.

The format, line by line (``#`` starts a comment; blank lines are free):

    only    library                                       worlds whose names begin so; all without it
    given   subscriber +33612345678 with 2 messages       a subscriber, active unless it says otherwise
    given   subscriber +33612345679 who is blocked
    deposit 2.5 s from +33698765432                       for the subscriber given first
    storage fails | storage returns
    storage forgets changes                               what the journals say of before
    operator blocks +33612345678
    phone   opens clear | opens TLS                       a session that does not log in by itself
    phone   C: a1 SELECT INBOX                            sends the line and CRLF (``C:`` alone an empty one)
    phone   sends 1 STARTTLS\\r\\n2 NOOP\\r\\n              octets as they stand, with Python's escapes
    phone   sends 9000 octets                             so many letters, then CRLF
    phone   S: a1 OK done                                 waits for this line
    phone   S: /a1 OK .*/                                 … or for one that a pattern fits as a whole
    phone   never /.*EXPUNGE/                             none of the lines passed over by the next S:
    phone   starts TLS                                    the client's side of the handshake
    phone   compresses                                    from now on, in both directions
    phone   closed                                        the server has closed the connection

A session that is first named with ``C:`` opens TLS, reads the greeting and logs in as the
subscriber given first.  Untagged lines that are not mentioned may come between; a tagged or
continuation line that was not expected is a failure.  A response with literals is one line here,
and its literals are counted: what follows the announced octets must be the rest of the line.

``${name}`` stands for what a pattern before called ``(?P<name>…)``.  ``${user}`` and ``${password}``
are those of the subscriber given first, ``${user2}`` and ``${password2}`` of the second, and so on;
``${uid}`` is that of the last deposit; ``${uidvalidity}`` and ``${uidnext}`` come from any SELECT.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import zlib
from pathlib import Path

import msgspec

from tests.dialogues.world import Credentials, Standing, World

PATIENCE_SECONDS = 60.0
"""How long an answer takes says how busy the machine is; this is for one that never comes."""

_GIVEN = re.compile(r"subscriber (\+\d+)(?: with (\d+) messages?)?(?: who is (.+))?")
_DEPOSIT = re.compile(r"([0-9.]+) s from (\+\d+)")
_OCTETS = re.compile(r"sends (\d+) octets")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
_CODE = re.compile(r"\* OK \[(UIDVALIDITY|UIDNEXT) (\d+)\]")


class DialogueError(AssertionError):
    """The server did not answer as the dialogue says."""


class Step(msgspec.Struct, frozen=True):
    """One line of a dialogue."""

    number: int
    actor: str
    action: str


def read(path: Path) -> list[Step]:
    """The steps of a file."""
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            actor, _, action = text.partition(" ")
            steps.append(Step(number, actor, action.strip()))
    return steps


def plays_in(path: Path, world: str) -> bool:
    """Whether a dialogue says that it is for this world."""
    wanted = [step.action for step in read(path) if step.actor == "only"]
    return not wanted or any(world.startswith(name) for name in wanted)


class Inflated:
    """What a reader brings, inflated."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._buffer = b""

    async def readline(self) -> bytes:
        while b"\n" not in self._buffer and await self._more():
            pass
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        return self._take(end)

    async def readexactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not await self._more():
                raise asyncio.IncompleteReadError(self._buffer, count)
        return self._take(count)

    async def read(self, count: int) -> bytes:
        if not self._buffer:
            await self._more()
        return self._take(count)

    async def _more(self) -> bool:
        octets = await self._reader.read(65_536)
        self._buffer += self._inflater.decompress(octets)
        return bool(octets)

    def _take(self, count: int) -> bytes:
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


class Client:
    """One session of a dialogue: sends lines, reads whole responses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader: asyncio.StreamReader | Inflated = reader
        self._writer = writer
        self._deflater: zlib._Compress | None = None
        self.forbidden: list[str] = []

    def compress(self) -> None:
        """From now on, in both directions (RFC 4978)."""
        assert isinstance(self._reader, asyncio.StreamReader), "compressed already"
        self._reader = Inflated(self._reader)
        self._deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    async def send(self, octets: bytes) -> None:
        """Octets as they stand, or compressed."""
        if self._deflater is not None:
            octets = self._deflater.compress(octets) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        self._writer.write(octets)
        await self._writer.drain()

    async def response(self) -> str:
        """The next line with its literals; empty at the end of the connection."""
        whole = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                line = await self._reader.readline()
                whole += line
                announced = _LITERAL.search(line)
                if announced is None:
                    return whole.removesuffix(b"\r\n").decode("latin-1")
                whole += await self._reader.readexactly(int(announced[1]))

    async def swallow(self, last: bytes) -> int:
        """Read up to the line that begins so, which ends what came; how many octets it was, none kept."""
        count, tail = 0, b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"\n" + last not in tail:
                piece = await self._reader.read(65_536)
                if not piece:
                    raise DialogueError(f"the end came before {last!r}")
                count += len(piece)
                tail = (tail + piece)[-200:]
        return count

    async def closed(self) -> None:
        """Reads up to the end; only untagged lines may come before it."""
        while line := await self._response_or_end():
            if not line.startswith("* "):
                raise DialogueError(f"expected the end, got {line!r}")

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """The handshake over the connection that is open."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._writer.start_tls(context, server_hostname=host)

    async def close(self) -> None:
        """Leave without a word."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            return  # the server may have cut the connection: that is what the dialogue was about

    async def _response_or_end(self) -> str:
        try:
            return await self.response()
        except ConnectionResetError:
            return ""


async def connect(world: World, *, tls: bool) -> Client:
    """A connection to the port with implicit TLS, or to the other one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(
            world.host, world.tls_port if tls else world.port, ssl=world.tls if tls else None
        )
    return Client(reader, writer)


class Runner:
    """Plays steps against a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clients: dict[str, Client] = {}
        self._variables: dict[str, str] = {}
        self._owner = ""
        self._given_count = 0

    async def play(self, steps: list[Step]) -> None:
        """All steps in order; DialogueError names the line that failed."""
        try:
            for step in steps:
                try:
                    await self._step(step.actor, step.action)
                except (AssertionError, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                    text = (
                        f"line {step.number}: {step.actor} {step.action}\n  {type(error).__name__}: {error}"
                    )
                    raise DialogueError(text) from error
        finally:
            for client in self._clients.values():
                await client.close()

    async def _step(self, actor: str, action: str) -> None:
        match actor:
            case "only":
                pass  # plays_in() has seen to it
            case "given":
                await self._given(action)
            case "deposit":
                await self._deposit(action)
            case "operator":
                await self._world.block(action.removeprefix("blocks "))
            case "storage" if action == "forgets changes":
                await self._world.forget_changes()
            case "storage":
                await self._world.outage(down={"fails": True, "returns": False}[action])
            case _:
                await self._speak(actor, action)

    async def _given(self, action: str) -> None:
        found = _GIVEN.fullmatch(action)
        assert found, "not a subscriber"
        msisdn, messages, standing = found.groups()
        credentials = await self._world.provide(
            msisdn, messages=int(messages or 0), standing=Standing(standing or "active")
        )
        if not self._owner:
            self._owner = msisdn
        self._remember(credentials)

    def _remember(self, credentials: Credentials) -> None:
        self._given_count += 1
        suffix = "" if self._given_count == 1 else str(self._given_count)
        self._variables |= {f"user{suffix}": credentials.user, f"password{suffix}": credentials.password}

    async def _deposit(self, action: str) -> None:
        found = _DEPOSIT.fullmatch(action)
        assert found, "not a deposit"
        uid = await self._world.deposit(self._owner, seconds=float(found[1]), caller=found[2])
        self._variables["uid"] = str(uid)

    async def _speak(self, name: str, action: str) -> None:
        if action.startswith("opens "):
            self._clients[name] = await connect(self._world, tls={"TLS": True, "clear": False}[action[6:]])
            return
        client = self._clients.get(name) or await self._logged_in(name)
        if action == "starts TLS":
            await client.start_tls(self._world.tls, self._world.host)
        elif action == "compresses":
            client.compress()
        elif action == "closed":
            await client.closed()
        elif action.startswith("C:"):
            await client.send(self._fill(action[3:]).encode() + b"\r\n")
        elif (octets := _OCTETS.fullmatch(action)) is not None:
            await client.send(b"x" * int(octets[1]) + b"\r\n")
        elif action.startswith("sends "):
            await client.send(action[6:].encode().decode("unicode_escape").encode("latin-1"))
        elif action.startswith("never "):
            client.forbidden.append(action[6:])
        elif action.startswith("S: "):
            await self._expect(client, self._fill(action[3:]))
        else:
            raise AssertionError("not a step")

    async def _expect(self, client: Client, expected: str) -> None:
        forbidden, client.forbidden = client.forbidden, []
        while True:
            line = await client.response()
            code = _CODE.match(line)
            if code:
                self._variables[code[1].lower()] = code[2]
            captured = _fits(expected, line)
            if captured is not None:
                self._variables |= captured
                return
            assert line.startswith("* "), f"got {line!r}"
            for pattern in forbidden:
                assert _fits(pattern, line) is None, f"forbidden {line!r}"

    async def _logged_in(self, name: str) -> Client:
        client = self._clients[name] = await connect(self._world, tls=True)
        await self._expect(client, r"/\* OK .*/")
        await client.send(self._fill('login LOGIN ${user} "${password}"\r\n').encode())
        await self._expect(client, "/login OK.*/")
        return client

    def _fill(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self._variables[found[1]], text)


def _fits(expected: str, line: str) -> dict[str, str] | None:
    """What a pattern captured, or None where the line is another one."""
    if len(expected) > 1 and expected.startswith("/") and expected.endswith("/"):
        found = re.fullmatch(expected[1:-1], line, re.DOTALL)
        return None if found is None else found.groupdict()
    return {} if expected == line else None
