# SPDX-License-Identifier: Apache-2.0
"""Subscribers' own greetings, where the node can fetch them: ``sound:http://…`` (res_http_media_cache).

The node keeps what it fetched, by address.  So an address holds the digest of its sound: a greeting
that changes has another one, and nobody can ask for a sound that it does not have.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha512
from typing import Protocol

from aiohttp import web

from vvm.domain.numbers import Msisdn

_MOST = 256
"""Sounds kept; the node fetches one at once or, having it, asks whether it is still the same."""
_DAY = 24 * 60 * 60


class Greetings(Protocol):
    """What a caller hears instead of the system's greeting."""

    async def audio(self, msisdn: Msisdn) -> bytes | None:
        """A WAV file, or None.  Raises Refusal and Outage."""
        ...


class MediaShelf:
    """Serves the sounds that were put on it last, by digest."""

    def __init__(self) -> None:
        self._sounds: OrderedDict[str, bytes] = OrderedDict()
        self._base = ""

    @asynccontextmanager
    async def serving(self, *, host: str, port: int, base: str = "") -> AsyncIterator[None]:
        """Listen while the block runs; ``base`` is the address in the node's eyes.  Raises OSError."""
        app = web.Application()
        app.router.add_get("/greetings/{digest:[0-9a-f]{128}}.wav", self._fetch)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = runner.addresses[0][1]
            self._base = (base or f"http://{host}:{bound}").rstrip("/")
            yield
        finally:
            await runner.cleanup()

    def offer(self, sound: bytes) -> str:
        """The media URI of a WAV file, good until ``_MOST`` others were offered.

        It is long on purpose: Asterisk 22 cuts the path of its copy off at the length of the address,
        and 150 characters are more than any path of a cache (spec/asterisk.md 7).
        """
        digest = sha512(sound).hexdigest()
        self._sounds[digest] = sound
        self._sounds.move_to_end(digest)
        while len(self._sounds) > _MOST:
            self._sounds.popitem(last=False)
        return f"sound:{self._base}/greetings/{digest}.wav"

    async def _fetch(self, request: web.Request) -> web.Response:
        sound = self._sounds.get(request.match_info["digest"])
        if sound is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": f"max-age={_DAY}"}
        return web.Response(body=sound, content_type="audio/wav", headers=headers)
