# SPDX-License-Identifier: Apache-2.0
"""A caller: enough SIP (RFC 3261) and RTP (RFC 3550) to ring, listen, speak and hang up.

UDP on the loopback, G.711 mu-law, one call at a time.  It is a peer of the code under test, so it
shares nothing with it.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import struct
from types import TracebackType
from typing import Self

from tests.peers.asterisk.speech import expand, loudness

_ANSWER_SECONDS = 10.0
_FRAME = 160  # samples, and octets of mu-law, in 20 ms
_RTP = struct.Struct("!BBHII")
_PCMU = 0
"""Payload type (RFC 3551 section 6)."""
_QUIET_SECONDS = 0.4
_COPIED = ("via", "from", "to", "call-id", "cseq")


class Declined(AssertionError):
    """The call was not answered; ``status`` is the SIP response."""

    def __init__(self, status: int) -> None:
        super().__init__(f"SIP response {status}")
        self.status = status


class SipCaller:
    """One telephone.

    ``async with SipCaller(server.sip_address, number="+33698765432") as phone:`` then ``call``,
    ``until_quiet`` (the greeting and the beep are over), ``say``, ``hang_up``.  ``identity`` replaces
    the whole From address, for callers who hide themselves.
    """

    def __init__(self, server: tuple[str, int], *, number: str, identity: str = "") -> None:
        self._server = server
        self._from = f"{identity or f'<sip:{number}@127.0.0.1>'};tag={secrets.token_hex(6)}"
        self._call_id = secrets.token_hex(12)
        self._cseq = itertools.count(1)
        self._signalling = _Socket(server)
        self._media = _Socket()
        self._media_peer: tuple[str, int] | None = None
        self._sequence = itertools.count(secrets.randbelow(30000))
        self._timestamp = secrets.randbits(30)
        self._ssrc = secrets.randbits(32)
        self._to = self._target = ""
        self.heard = bytearray()
        """Mu-law octets that arrived, in order."""

    async def __aenter__(self) -> Self:
        await self._signalling.open()
        await self._media.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signalling.close()
        self._media.close()

    @property
    def heard_loudness(self) -> float:
        """Root mean square of what was heard."""
        return loudness(expand(bytes(self.heard)))

    async def call(self, number: str, *, headers: tuple[str, ...] = ()) -> None:
        """Ring until answered.  ``headers`` are whole lines.  Raises Declined, TimeoutError."""
        uri = f"sip:{number}@{self._server[0]}:{self._server[1]}"
        self._to = f"<{uri}>"
        offer = "\r\n".join(
            (
                "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
                f"m=audio {self._media.port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=ptime:20", "",
            )
        )  # fmt: skip
        number_in_dialogue = next(self._cseq)
        self._send("INVITE", uri, number_in_dialogue, (*headers, "Content-Type: application/sdp"), offer)
        answer = await self._final("INVITE")
        self._to = _header(answer, "to")
        status = int(answer.split(maxsplit=2)[1])
        contact = re.search(r"<([^>]+)>", _header(answer, "contact")) if status < 300 else None
        self._target = contact[1] if contact else uri
        self._send("ACK", self._target, number_in_dialogue)
        if status >= 300:
            raise Declined(status)
        media = re.search(r"^m=audio (\d+)", answer, re.MULTILINE)
        assert media, "the answer has no audio"
        self._media_peer = (self._server[0], int(media[1]))
        self._frame(b"\xff" * _FRAME)  # symmetric RTP: the far end learns where we are

    async def until_quiet(self) -> None:
        """Listen until the far end has spoken, beeped and stopped.  Raises TimeoutError."""
        async with asyncio.timeout(60):
            await self._hear()
            while True:
                try:
                    async with asyncio.timeout(_QUIET_SECONDS):
                        await self._hear()
                except TimeoutError:
                    return

    async def until_heard(self, seconds: float) -> None:
        """Listen to so much of the greeting."""
        async with asyncio.timeout(_ANSWER_SECONDS + seconds):
            while len(self.heard) < seconds * 8000:
                await self._hear()

    async def say(self, pcmu: bytes) -> None:
        """Send mu-law octets as fast as one speaks: 50 frames a second."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for start in range(0, len(pcmu), _FRAME):
            self._frame(pcmu[start : start + _FRAME].ljust(_FRAME, b"\xff"))
            due += 0.02
            await asyncio.sleep(due - loop.time())

    async def press(self, digit: str) -> None:
        """One key, told by SIP INFO (RFC 2976): for endpoints of ``dtmf_mode = info``."""
        kind = ("Content-Type: application/dtmf-relay",)
        self._send("INFO", self._target, next(self._cseq), kind, f"Signal={digit}\r\nDuration=160\r\n")
        await self._final("INFO")

    async def hang_up(self) -> None:
        self._send("BYE", self._target, next(self._cseq))
        await self._final("BYE")

    async def until_hung_up(self) -> None:
        """Wait for the far end's BYE, and answer it.  Raises TimeoutError."""
        async with asyncio.timeout(60):
            while not self._answered_bye(await self._signalling.receive()):
                pass

    def _answered_bye(self, octets: bytes) -> bool:
        text = octets.decode()
        if text.startswith("SIP/2.0"):
            return False
        copied = [line for line in text.split("\r\n") if line.partition(":")[0].lower() in _COPIED]
        reply = "\r\n".join(("SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""))
        self._signalling.send(reply.encode(), self._server)
        return text.startswith("BYE ")

    async def _final(self, method: str) -> str:
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                text = (await self._signalling.receive()).decode()
                final = re.match(r"SIP/2\.0 [2-6]", text)
                if final and _header(text, "cseq").endswith(method):
                    return text

    def _send(self, method: str, uri: str, cseq: int, headers: tuple[str, ...] = (), body: str = "") -> None:
        lines = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._signalling.port};branch=z9hG4bK{secrets.token_hex(8)};rport",
            f"From: {self._from}",
            f"To: {self._to}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:caller@127.0.0.1:{self._signalling.port}>",
            "Max-Forwards: 70",
            *headers,
            f"Content-Length: {len(body)}",
            "",
            body,
        )
        self._signalling.send("\r\n".join(lines).encode(), self._server)

    def _frame(self, payload: bytes) -> None:
        assert self._media_peer, "nobody has answered"
        header = _RTP.pack(0x80, 0, next(self._sequence) & 0xFFFF, self._timestamp & 0xFFFFFFFF, self._ssrc)
        self._timestamp += len(payload)
        self._media.send(header + payload, self._media_peer)

    async def _hear(self) -> None:
        packet = await self._media.receive()
        if packet[1] & 0x7F == _PCMU:  # and not RTCP of another call
            self.heard += packet[_RTP.size :]


class _Socket(asyncio.DatagramProtocol):
    """A UDP socket with a queue, bound to a free port.

    ``peer`` is the only one that is heard: where many calls run, the port after one phone's media port,
    to which Asterisk sends RTCP, may be the signalling port of another.
    """

    def __init__(self, peer: tuple[str, int] | None = None) -> None:
        self._peer = peer
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        if self._peer in {None, addr}:
            self._arrived.put_nowait(data)

    async def receive(self) -> bytes:
        return await self._arrived.get()

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        assert self._transport, "the socket is not open"
        self._transport.sendto(octets, peer)

    def close(self) -> None:
        if self._transport:
            self._transport.close()


def _header(message: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*)$", message.replace("\r\n", "\n"), re.MULTILINE | re.IGNORECASE)
    assert found, f"no {name} in {message[:40]}"
    return found[1].strip()
