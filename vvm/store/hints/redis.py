# SPDX-License-Identifier: Apache-2.0
"""Hints by publish and subscribe of Redis or Valkey, which keeps nothing of them.

Needs the extra ``vvm[redis]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

from vvm.domain.errors import Outage

_CHANNEL = "vvm_hints"
_FAILURES = (RedisError, OSError, TimeoutError)


class RedisBus:
    """vvm.store.hints.shared.Bus."""

    def __init__(self, url: str, *, password: str, seconds: float) -> None:
        """``url`` as redis-py reads it.  ``seconds`` are what an answer may take, and after how much
        silence the server is asked for a sign.
        """
        self._seconds = seconds
        self._client: Any = Redis.from_url(
            url,
            password=password or None,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            # A connection that was lost meanwhile is made anew, once; who is silent is not asked again.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
            decode_responses=True,
        )

    async def say(self, text: str) -> None:
        try:
            await self._client.publish(_CHANNEL, text)
        except _FAILURES as error:
            raise _outage(error) from error

    async def listen(self, hear: Callable[[str], None], ready: Callable[[], None]) -> None:
        asked = False
        try:
            async with self._client.pubsub() as channel:
                await channel.subscribe(_CHANNEL)
                while True:
                    message = await channel.get_message(timeout=self._seconds)
                    if message is None and asked:
                        raise Outage("the hint bus is silent")
                    asked = message is None
                    if message is None:
                        await channel.ping()
                    elif message["type"] == "subscribe":
                        ready()  # also when redis-py has made the connection anew, and hints were lost
                    elif message["type"] == "message":
                        hear(message["data"])
        except _FAILURES as error:
            raise _outage(error) from error

    async def close(self) -> None:
        await self._client.aclose()


def _outage(error: BaseException) -> Outage:
    """The text names no password, and no host."""
    return Outage(f"the hint bus does not answer: {type(error).__name__}")
