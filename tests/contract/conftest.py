# SPDX-License-Identifier: Apache-2.0
"""Runs every test of the suite once for each adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.adapters import HINTS, STORES, parameters
from tests.contract.samples import new_subscriber
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Hints, Store


@pytest.fixture(params=parameters(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with STORES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
async def alice(store: Store) -> Subscriber:
    return await store.subscribers.create(new_subscriber())


@pytest.fixture(params=sorted(HINTS))
async def hints(request: pytest.FixtureRequest) -> Hints:
    return HINTS[request.param]()
