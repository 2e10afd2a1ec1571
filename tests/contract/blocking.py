# SPDX-License-Identifier: Apache-2.0
"""A store for hypothesis' state machines, whose rules are plain functions."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from tests.contract.adapters import OpenStore

T = TypeVar("T")


class BlockingStore:
    """Opens an empty store on an event loop of its own, which stands still between two calls."""

    def __init__(self, open_store: OpenStore) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.port = self.run(self._stack.enter_async_context(open_store(self.directory)))

    def run(self, call: Awaitable[T]) -> T:
        """Answer what a method of ``port`` answers."""

        async def awaited() -> T:
            return await call

        return self._runner.run(awaited())

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._runner.close()
