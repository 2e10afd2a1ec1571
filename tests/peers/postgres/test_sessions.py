# SPDX-License-Identifier: Apache-2.0
"""Many sessions, from several processes at once, on PostgreSQL: nobody is told a contradiction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgres
from tests.peers.postgres.test_program import STORE
from tests.process.phones import phones
from tests.process.program import running
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
