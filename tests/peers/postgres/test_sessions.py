# SPDX-License-Identifier: Apache-2.0
"""IMAP on PostgreSQL: sessions of several processes agree, and a ``kill -9`` moves no message twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgres
from tests.peers.postgres.test_program import STORE
from tests.process.phones import phones
from tests.process.program import running
from tests.process.test_imap_kill import survive
from tests.process.test_imap_sessions import agree
from tests.process.test_workers import workers

pytestmark = [pytest.mark.peers, pytest.mark.process]


async def test_sessions_in_three_processes_agree_whenever_all_rest(tmp_path: Path) -> None:
    three = ("--workers", "3")
    async with (
        postgres.database() as url,
        phones() as handsets,
        running(
            tmp_path, smsc_port=handsets.smsc.port, more=STORE.format(url=url), arguments=three
        ) as program,
    ):
        await agree(program, [program.pid, *workers(program)])


async def test_killed_among_moves_and_copies_each_message_is_where_it_was_last_told(tmp_path: Path) -> None:
    async with (
        postgres.database() as url,
        phones() as handsets,
        running(tmp_path, smsc_port=handsets.smsc.port, more=STORE.format(url=url)) as program,
    ):
        await survive(program)
