# SPDX-License-Identifier: Apache-2.0
"""A client of ARI, the Asterisk REST Interface: what capture asks of a media node.

Every wait has an end, every answer is a struct or octets, and a failure says who has to act: the node
that did not answer (AriOutage) or the request that it refused (AriRefusal; Gone when the caller hung
up in between, which is no failure at all).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from vvm.domain.errors import Outage, TooLarge, VvmError
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.events import Channel, Event, Playback, decode
from vvm.fronts.asterisk.settings import AsteriskSettings

_CHUNK = 64 * 1024
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_GONE = frozenset({404, 409, 412})
_SUCCESS = range(200, 300)

_T = TypeVar("_T")


class AriOutage(Outage):
    """The node did not answer, or not with what ARI promises."""


class AriRefusal(VvmError):
    """The node answered that it will not."""

    code = "ari_refused"

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: status {status}")
        self.status = status


class Gone(AriRefusal):
    """The channel or the recording is not there, or not ours, any more."""


class _Stored(msgspec.Struct, frozen=True):
    name: str


class _Variable(msgspec.Struct, frozen=True):
    value: str


_channels = msgspec.json.Decoder(list[Channel])
_stored = msgspec.json.Decoder(list[_Stored])
_variable = msgspec.json.Decoder(_Variable)
_playback = msgspec.json.Decoder(Playback)


class AriClient:
    """Use as ``async with AriClient(...) as ari``.  Every method may raise AriOutage and AriRefusal."""

    def __init__(self, settings: AsteriskSettings, password: Secret) -> None:
        self._settings = settings
        self._base = settings.ari.rstrip("/") + "/ari"
        # In a header and not as api_key: a URL ends in access logs and tracebacks.
        authorization = aiohttp.encode_basic_auth(settings.ari_user, password.reveal())
        self._headers = {"Authorization": authorization}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=self._settings.request_seconds),
            connector=aiohttp.TCPConnector(limit=self._settings.intake_workers + 32),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Register the application; yields its events, which end with the connection, by an AriOutage."""
        url = URL(f"{self._base}/events").with_query(app=self._settings.application)
        try:
            async with asyncio.timeout(self._settings.request_seconds):
                socket = await self._http.ws_connect(
                    url,
                    heartbeat=self._settings.heartbeat_seconds,
                    timeout=aiohttp.ClientWSTimeout(ws_close=self._settings.stop_seconds),
                )
        except aiohttp.WSServerHandshakeError as error:
            raise AriRefusal("events", error.status) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AriOutage("events: no connection") from error
        async with socket, aclosing(self._read(socket)) as events:
            yield events

    async def answer(self, channel: str) -> None:
        await self._request("POST", f"channels/{quote(channel, safe='')}/answer")

    async def play(self, channel: str, media: str) -> str:
        """Start to play; returns the id that PlaybackFinished will name."""
        path = f"channels/{quote(channel, safe='')}/play"
        return _decoded(_playback, await self._request("POST", path, {"media": media})).id

    async def record(self, channel: str, name: str) -> None:
        """Start to record to a new file; RecordingFinished will name it."""
        settings = self._settings
        await self._request(
            "POST",
            f"channels/{quote(channel, safe='')}/record",
            {
                "name": name,
                "format": "wav",
                "beep": "true" if settings.beep else "false",
                "maxDurationSeconds": str(settings.max_seconds),
                "maxSilenceSeconds": str(settings.max_silence_seconds),
                "terminateOn": settings.terminate_on,
                "ifExists": "fail",
            },
        )

    async def variable(self, channel: str, name: str) -> str:
        """A channel variable, or a dialplan function such as ``CALLERID(pres)``."""
        path = f"channels/{quote(channel, safe='')}/variable"
        return _decoded(_variable, await self._request("GET", path, {"variable": name})).value

    async def set_variable(self, channel: str, name: str, value: str) -> None:
        path = f"channels/{quote(channel, safe='')}/variable"
        await self._request("POST", path, {"variable": name, "value": value})

    async def leave(self, channel: str) -> None:
        """Let the call go on in the dialplan, when what it does now (a recording) is over."""
        await self._request("POST", f"channels/{quote(channel, safe='')}/continue")

    async def hang_up(self, channel: str) -> None:
        await self._request("DELETE", f"channels/{quote(channel, safe='')}")

    async def channels_inside(self) -> list[str]:
        """The channels that are in our application at this moment."""
        ours = self._settings.application
        return [
            channel.id
            for channel in _decoded(_channels, await self._request("GET", "channels"))
            if channel.dialplan.app_name == "Stasis" and channel.dialplan.app_data.split(",")[0] == ours
        ]

    async def stored(self) -> list[str]:
        """Names of all recordings on the node, those still being written among them."""
        return [one.name for one in _decoded(_stored, await self._request("GET", "recordings/stored"))]

    async def is_live(self, name: str) -> bool:
        """A call is still recording to it."""
        try:
            await self._request("GET", f"recordings/live/{quote(name, safe='')}")
        except Gone:
            return False
        return True

    async def fetch(self, name: str) -> bytes:
        """The octets of a recording.  Raises Gone, and TooLarge beyond ``max_recording_bytes``."""
        return await self._request(
            "GET",
            f"recordings/stored/{quote(name, safe='')}/file",
            limit=self._settings.max_recording_bytes,
            seconds=self._settings.fetch_seconds,
        )

    async def delete(self, name: str) -> None:
        """Raises Gone when it is deleted already."""
        await self._request("DELETE", f"recordings/stored/{quote(name, safe='')}")

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        limit: int = _MAX_ANSWER_BYTES,
        seconds: float | None = None,
    ) -> bytes:
        # A name has "/" in it, which must arrive as %2F: the path is quoted by us, and not again.
        url = URL(f"{self._base}/{path}", encoded=True).with_query(query)
        what = f"{method} {path.partition('/')[0]}"
        timeout = aiohttp.ClientTimeout(total=seconds or self._settings.request_seconds)
        try:
            async with self._http.request(method, url, timeout=timeout, allow_redirects=False) as answer:
                if answer.status not in _SUCCESS:
                    kind = Gone if answer.status in _GONE else AriRefusal
                    raise kind(what, answer.status)
                octets = bytearray()
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    octets += chunk
                    if len(octets) > limit:
                        raise TooLarge(limit_bytes=limit)
                return bytes(octets)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AriOutage(f"{what}: no answer") from error

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncGenerator[Event, None]:
        # The heartbeat ends this wait when the node is silent.
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            try:
                event = decode(message.data)
            except msgspec.DecodeError as error:
                raise AriOutage("an event is not what ARI promises") from error
            if event is not None:
                yield event
        raise AriOutage("the node closed the connection for events")


def _decoded(decoder: msgspec.json.Decoder[_T], octets: bytes) -> _T:
    try:
        return decoder.decode(octets)
    except msgspec.DecodeError as error:
        raise AriOutage("an answer is not what ARI promises") from error
