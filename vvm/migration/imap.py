# SPDX-License-Identifier: Apache-2.0
"""Any IMAP server, with one name that opens every mailbox (SASL PLAIN with an authorization identity).

Reads with EXAMINE and PEEK: nothing there changes, and nobody's message becomes heard by it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from aioimaplib import IMAP4, IMAP4_SSL, AioImapException, Command

from vvm.domain.errors import Outage, Refusal
from vvm.domain.message import Flags, Kind
from vvm.domain.secrets import Secret
from vvm.message.pbx import pbx_header
from vvm.message.reader import ReadLimits, ReadMessage, read_message
from vvm.migration.numbers import Numbers
from vvm.migration.source import Item, Origin, Read, Recorded, SourceFault
from vvm.services.greetings import audio_of

_LISTED = re.compile(
    rb"FETCH \(.*?(?=.*\bUID (?P<uid>[0-9]+))(?=.*\bFLAGS \((?P<flags>[^)]*)\))"
    rb'(?=.*INTERNALDATE "(?P<date>[^"]+)")(?=.*RFC822\.SIZE (?P<size>[0-9]+))'
)
_VALIDITY = re.compile(rb"UIDVALIDITY ([0-9]+)")
_FLAGS = {rb"\seen": Flags.SEEN, rb"\flagged": Flags.FLAGGED, rb"\answered": Flags.ANSWERED}
_GREETING_ON = rb"$cns-greeting-on"
_CALLER = re.compile(r"\+?[0-9*#]{2,20}\Z")
_ADDRESS = re.compile(r"<?([^<>@\s]+)@")
_SHOWN = 200
_LIMITS = ReadLimits()
_KINDS = {kind.value: kind for kind in (Kind.NORMAL_GREETING, Kind.VOICE_SIGNATURE)}


class ImapServer(msgspec.Struct, frozen=True):
    host: str
    port: int
    tls: bool
    """From the first octet."""
    ca: str
    """File of the authorities to trust; "" takes the system's."""
    master: str
    password: Secret
    seconds: float
    """For each answer."""


class ImapMailboxes:
    """vvm.migration.source.Source; the mailboxes are those that the file of numbers names."""

    def __init__(
        self, server: ImapServer, numbers: Numbers, *, folders: Sequence[str], greetings: str
    ) -> None:
        """``greetings`` is the folder of greetings; "" for none."""
        self._server = server
        self._numbers = numbers
        self._folders = folders
        self._greetings = greetings

    async def origins(self) -> AsyncIterator[Origin]:
        for user in self._numbers.mailboxes:
            yield await self._origin(user)

    async def read(self, origin: Origin, item: Item) -> Read:
        message = await self._message(origin.name, item.place)
        try:
            audio = audio_of(message)
        except Refusal as refusal:
            raise SourceFault(str(refusal)) from None
        said = pbx_header(message)
        return Read(
            audio, said.caller or _caller(message), said.received_at or _date(message) or item.received_at
        )

    async def greeting(self, origin: Origin, recorded: Recorded) -> bytes:
        try:
            return audio_of(await self._message(origin.name, recorded.place))
        except Refusal as refusal:
            raise SourceFault(str(refusal)) from None

    async def _origin(self, user: str) -> Origin:
        items: list[Item] = []
        recorded: list[Recorded] = []
        async with self._session(user) as session:
            for folder in self._folders:
                items += await self._listed(session, user, folder)
            if self._greetings:
                for item in await self._listed(session, user, self._greetings, optional=True):
                    message = await _fetched(session, item.place)
                    kind = _KINDS.get(
                        (message.field("X-CNS-Greeting-Type") or "").lower(), Kind.NORMAL_GREETING
                    )
                    recorded.append(Recorded(item.place, kind, Flags.GREETING_ON in item.flags))
        items.sort(key=lambda item: item.received_at)
        return Origin(user, self._numbers.of(user), items, recorded)

    async def _listed(self, session: Any, user: str, folder: str, *, optional: bool = False) -> list[Item]:
        answer = await _examined(session, folder)
        if answer.result != "OK":
            if optional:
                return []
            raise SourceFault(f"{user} has no folder {folder}")
        found = [match for line in answer.lines if (match := _VALIDITY.search(bytes(line)))]
        validity = found[0][1].decode() if found else "0"
        listed = await session.uid("fetch", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)")
        matches = [match for line in listed.lines if (match := _LISTED.search(bytes(line)))]
        return [_item(self._server.host, user, folder, validity, match) for match in matches]

    async def _message(self, user: str, place: str) -> ReadMessage:
        async with self._session(user) as session:
            folder, _, _ = place.rpartition("/")
            await _examined(session, folder)
            return await _fetched(session, place)

    @asynccontextmanager
    async def _session(self, user: str) -> AsyncIterator[Any]:
        """Logged in as a mailbox.  Raises SourceFault when it is refused, Outage when nobody answers."""
        server = self._server
        try:
            if server.tls:
                context = ssl.create_default_context(cafile=server.ca or None)
                client = IMAP4_SSL(server.host, server.port, timeout=server.seconds, ssl_context=context)
            else:
                client = IMAP4(server.host, server.port, timeout=server.seconds)
            await client.wait_hello_from_server()
            await self._log_in(client, user)
            try:
                yield client
            finally:
                await client.logout()
        except (OSError, TimeoutError, AioImapException) as error:
            raise Outage(f"{server.host}:{server.port}: {type(error).__name__} {error}"[:_SHOWN]) from None

    async def _log_in(self, client: Any, user: str) -> None:
        """The initial response in the command itself (RFC 4959)."""
        plain = f"{user}\0{self._server.master}\0{self._server.password.reveal()}".encode()
        protocol = client.protocol
        command = Command(
            "AUTHENTICATE", protocol.new_tag(), "PLAIN", b64encode(plain).decode(), loop=protocol.loop
        )
        async with asyncio.timeout(self._server.seconds):
            answer = await protocol.execute(command)
        if answer.result != "OK":
            raise SourceFault(f"the server does not let {self._server.master} into {user}")
        protocol.state = "AUTH"


async def _examined(session: Any, folder: str) -> Any:
    answer = await session.examine(f'"{folder}"')
    if answer.result == "OK":
        session.protocol.state = "SELECTED"  # the library knows that of SELECT only
    return answer


def _item(host: str, user: str, folder: str, validity: str, match: re.Match[bytes]) -> Item:
    flags = Flags(0)
    for name in match["flags"].lower().split():
        flags |= Flags.GREETING_ON if name == _GREETING_ON else _FLAGS.get(name, Flags(0))
    uid = match["uid"].decode()
    received_at = datetime.strptime(match["date"].decode().strip(), "%d-%b-%Y %H:%M:%S %z")
    return Item(
        key=f"imap/{host}/{user}/{folder}/{validity}/{uid}",
        place=f"{folder}/{uid}",
        received_at=received_at,
        flags=flags,
        size=int(match["size"]),
    )


async def _fetched(session: Any, place: str) -> ReadMessage:
    """One message of the folder that is open."""
    uid = place.rpartition("/")[2]
    answer = await session.uid("fetch", uid, "(UID BODY.PEEK[])")
    bodies = [bytes(line) for line in answer.lines if isinstance(line, bytearray)]
    if len(bodies) != 1:
        raise SourceFault(f"message {uid} is gone")
    try:
        return read_message(bodies[0], _LIMITS)
    except Refusal as refusal:
        raise SourceFault(str(refusal)) from None


def _caller(message: ReadMessage) -> str | None:
    """The left side of From, where it is a number."""
    found = _ADDRESS.search(message.field("From") or "")
    number = found[1] if found else ""
    return number if _CALLER.match(number) else None


def _date(message: ReadMessage) -> datetime | None:
    try:
        date = parsedate_to_datetime(message.field("Date") or "")
    except ValueError:
        return None
    return date if date.tzinfo is not None else None
