# SPDX-License-Identifier: Apache-2.0
"""The worlds in which dialogues are played: a new one joins by one line in ``WORLDS``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.dialogues.memory_world import memory_world
from tests.dialogues.world import World

WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[World]]] = {"memory": memory_world}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """One world, fresh for each dialogue."""
    async with WORLDS[request.param]() as running:
        yield running
