# SPDX-License-Identifier: Apache-2.0
"""The IMAP side of a handset: says what AOSP's client says, in its order (spec/omtp-vvm.md 11.1).

It is strict where AOSP is strict, so that what it accepts a phone accepts: it wants STARTTLS when
it is advertised, EXISTS after SELECT, exactly one body in the answer to a fetch.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from typing import Self

import msgspec

from vvm.omtp.system import SystemSms

_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
_SECONDS = 60.0
"""AOSP's read time-out."""
_SHOWN = 100
"""A transcript line is cut here; literals are told by their size."""

Transcript = Callable[[str], None]


class ClientFailed(Exception):
    """The server did something that AOSP would not take; the text says what."""


class Account(msgspec.Struct, frozen=True):
    """What STATUS told the handset."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, status: SystemSms) -> Account:
        """Raises ClientFailed when a field that AOSP needs is missing."""
        try:
            fields = status.fields
            return cls(fields["srv"], int(fields["ipt"]), fields["u"], fields["pw"])
        except (KeyError, ValueError) as error:
            raise ClientFailed(f"STATUS lacks a usable {error}") from None

    def __repr__(self) -> str:
        return f"Account({self.user})"


class Fetched(msgspec.Struct, frozen=True):
    """A voice message as the handset keeps it."""

    uid: int
    caller: str
    seconds: int
    audio: bytes
    audio_type: str


class ImapClient:
    """One connection; use it as a context manager, which logs in and out."""

    def __init__(
        self,
        account: Account,
        tls: ssl.SSLContext,
        transcript: Transcript,
        *,
        address: tuple[str, int] | None = None,
    ) -> None:
        self._account = account
        self._tls = tls
        self._transcript = transcript
        self._address = address or (account.host, account.port)
        self._tag = 0

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(_SECONDS):
            self._reader, self._writer = await asyncio.open_connection(*self._address)
            greeting = await self._line()
            if not greeting.startswith(b"* OK"):
                raise ClientFailed("the greeting is not * OK")
            capabilities = b" ".join(await self.command("CAPABILITY")).split()
            if b"STARTTLS" in capabilities:
                await self.command("STARTTLS")
                await self._writer.start_tls(self._tls, server_hostname=self._account.host)
                self._transcript("   (TLS)")
                await self.command("CAPABILITY")
            await self.command(
                f'LOGIN {self._account.user} "{self._account.password}"',
                shown=f'LOGIN {self._account.user} "***"',
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await self.command("LOGOUT")
        except (OSError, ClientFailed, TimeoutError):
            pass  # the other side is gone, or was the reason to leave
        finally:
            self._writer.close()

    async def list_uids(self) -> list[int]:
        """Messages that are not deleted, ascending: AOSP's full sync."""
        await self._select()
        lines = await self.command("UID SEARCH 1:* NOT DELETED")
        found = [line for line in lines if line.startswith(b"* SEARCH")]
        if not found:
            raise ClientFailed("no * SEARCH: AOSP would delete its messages")
        await self.command("EXPUNGE")
        return [int(word) for line in found for word in line.split()[2:]]

    async def fetch(self, uid: int) -> Fetched:
        """One message with its audio, as after a SYNC NM."""
        await self._select()
        if f"* SEARCH {uid}".encode() not in await self.command(f"UID SEARCH UID {uid}"):
            raise ClientFailed(f"UID SEARCH UID {uid} does not find it")
        fetched = await self._voice(uid)
        await self.command("EXPUNGE")
        return fetched

    async def peek(self, uid: int) -> Fetched:
        """One message with its audio, and nothing in the mailbox changes."""
        await self.command('EXAMINE "INBOX"')
        return await self._voice(uid)

    async def mark_played(self, uid: int) -> None:
        await self._mark(uid, "\\SEEN")

    async def delete(self, uid: int) -> None:
        await self._mark(uid, "\\DELETED")

    async def command(self, text: str, *, shown: str | None = None) -> list[bytes]:
        """Send a command, return its untagged answers, literals in place.  Raises ClientFailed on NO, BAD."""
        self._tag += 1
        self._transcript(f"C: {self._tag} {shown or text}")
        self._writer.write(f"{self._tag} {text}\r\n".encode())
        answers: list[bytes] = []
        async with asyncio.timeout(_SECONDS):
            await self._writer.drain()
            while not (line := await self._line()).startswith(f"{self._tag} ".encode()):
                answers.append(line)
        if line.split()[1].upper() != b"OK":
            raise ClientFailed(f"{shown or text} was answered {line.decode('ascii', 'replace')}")
        return answers

    async def _voice(self, uid: int) -> Fetched:
        lines = await self.command(f"UID FETCH {uid} (UID BODY.PEEK[])")
        bodies = [line for line in lines if b"BODY[]" in line]
        if len(bodies) != 1:
            raise ClientFailed("not exactly one BODY[]")
        _, _, octets = bodies[0].partition(b"}\r\n")
        return _voice(uid, message_from_bytes(octets[:-1]))

    async def _select(self) -> None:
        if not any(line.endswith(b" EXISTS") for line in await self.command('SELECT "INBOX"')):
            raise ClientFailed("no EXISTS after SELECT")

    async def _mark(self, uid: int, flag: str) -> None:
        await self._select()
        await self.command(f"UID STORE {uid} +FLAGS.SILENT ({flag})")
        await self.command("EXPUNGE")

    async def _line(self) -> bytes:
        """A response with its literals, without its last CRLF.  Raises ClientFailed at the end."""
        line = await self._reader.readline()
        while match := _LITERAL.search(line):
            line += await self._reader.readexactly(int(match[1]))
            line += await self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ClientFailed("the server closed the connection")
        self._transcript(f"S: {_summary(line)}")
        return line[:-2]


def _summary(line: bytes) -> str:
    head, mark, rest = line.rstrip().partition(b"}\r\n")
    text = (head + b"}" if mark else head).decode("ascii", "replace")
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{cut} … {len(rest)} octets" if mark else cut


def _voice(uid: int, message: Message) -> Fetched:
    """The first audio part that is a direct child, as AOSP looks for it."""
    children = message.get_payload() if message.is_multipart() else []
    for part in children:
        if isinstance(part, Message) and part.get_content_maintype() == "audio":
            audio = part.get_payload(decode=True)
            if isinstance(audio, bytes):
                return Fetched(
                    uid=uid,
                    caller=message["From"].partition("@")[0],
                    seconds=int(message["Content-Duration"]),
                    audio=audio,
                    audio_type=part.get_content_type(),
                )
    raise ClientFailed("no audio part")
