# SPDX-License-Identifier: Apache-2.0
"""The HTTP client that posts events to an operator's endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from vvm.services.settings import WebhookSettings
from vvm.services.webhook_delivery import Answer, Verdict

_PASSING = frozenset({408, 425, 429})
"""Refusals that repeating can change, beside every 5xx."""
_GONE = 410
_DRAINED_BYTES = 4096
"""So much of an answer is read, that the connection can be used again; a longer one ends it."""


class HttpPost:
    """vvm.services.webhook_delivery.Post: no redirects, no cookies, nothing of the answer but its status."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_DRAINED_BYTES)
                return _judged(answer.status)
        except TimeoutError:
            return Answer(Verdict.RETRY, "no answer in time")
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            return Answer(Verdict.RETRY, type(error).__name__)


@asynccontextmanager
async def http_post(settings: WebhookSettings) -> AsyncIterator[HttpPost]:
    """Connections are kept while the block runs."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=settings.post_seconds),
        connector=aiohttp.TCPConnector(limit_per_host=settings.parallel),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "vvm-webhook"},
    ) as session:
        yield HttpPost(session)


def _judged(status: int) -> Answer:
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15.3
        return Answer(Verdict.ACCEPTED)
    if status == _GONE:
        return Answer(Verdict.GONE, "410")
    passing = status >= 500 or status in _PASSING  # noqa: PLR2004 - RFC 9110 section 15.6
    return Answer(Verdict.RETRY if passing else Verdict.REFUSED, str(status))
