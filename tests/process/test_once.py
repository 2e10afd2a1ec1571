# SPDX-License-Identifier: Apache-2.0
"""Each role may run once on a SQLite file: a second process says which of its roles runs already."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.program import running

pytestmark = pytest.mark.process


async def test_a_second_process_warns_of_the_roles_that_run_already(tmp_path: Path) -> None:
    async with running(tmp_path, smsc_port=1, arguments=("--role", "http,worker")) as first:
        assert not first.logged("roles_run_already")
        async with running(
            tmp_path, smsc_port=1, arguments=("--role", "imap,worker", "--workers", "2")
        ) as second:
            (warned,) = second.logged("roles_run_already")
            assert (warned["roles"], warned["level"]) == (["worker"], "warning")
            assert warned["store"] == "var/vvm.db"
        first.kill()
        await first.ended()
        await first.start()
        assert not first.logged("roles_run_already")
