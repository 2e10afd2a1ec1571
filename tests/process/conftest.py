# SPDX-License-Identifier: Apache-2.0
"""A running program with four active subscribers, and the SMSC that outlives it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.process.clients import Api, api_of
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.program import Program, running


@pytest.fixture
async def handsets() -> AsyncIterator[Phones]:
    async with phones() as made:
        yield made


@pytest.fixture
async def program(tmp_path: Path, handsets: Phones) -> AsyncIterator[Program]:
    async with running(tmp_path, smsc_port=handsets.smsc.port) as started:
        yield started


@pytest.fixture
async def api(program: Program, handsets: Phones) -> AsyncIterator[Api]:
    async with api_of(program) as made:
        for msisdn in PEOPLE:
            await made.add(msisdn)
        await handsets.activate(PEOPLE)
        yield made
