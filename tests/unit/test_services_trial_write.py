# SPDX-License-Identifier: Apache-2.0
"""A store whose disk takes nothing more: who notices, and that it is noticed when it does again."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from tests.contract.samples import ALICE, NOW, new_subscriber
from vvm.domain.clock import FixedClock
from vvm.domain.errors import Outage
from vvm.services.trial_write import TrialWrite
from vvm.simulator.doctor import installation
from vvm.simulator.doctor.finding import Outcome
from vvm.store.metrics import CommitWatch
from vvm.store.sqlite.adapter import SqliteStore, open_sqlite
from vvm.store.sqlite.engine import connect


@contextmanager
def full_disk(octets: int) -> Iterator[None]:
    """No file of this process grows beyond ``octets``, as on a disk that has no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def trial_of(store: SqliteStore, watch: CommitWatch) -> TrialWrite:
    return TrialWrite(store.repeats, watch, clock=FixedClock(NOW))


async def test_a_disk_that_is_all_but_full_is_found_out_and_leaves_one_line(tmp_path: Path) -> None:
    watch, path = CommitWatch(None), tmp_path / "vvm.db"
    async with open_sqlite(path, watch) as store:
        trial = trial_of(store, watch)
        await store.subscribers.create(new_subscriber(ALICE))
        room = path.with_name("vvm.db-wal").stat().st_size + 100_000
        assert (await installation.store(trial)).outcome is Outcome.OK
        await trial.in_doubt()
    path.with_name("vvm.db-wal").unlink(missing_ok=True)
    async with open_sqlite(path, watch) as store:
        trial = trial_of(store, watch)
        with full_disk(room), structlog.testing.capture_logs() as events:
            await trial.in_doubt()  # nothing has failed yet: it does not try
            found = await installation.store(trial)
            assert watch.failing
            with pytest.raises(Outage):
                await trial.in_doubt()
        assert (found.outcome, found.fault) == (Outcome.FAILED, "store_full")
        assert {(event["event"], "exc_info" in event) for event in events} == {("commit_failed", False)}
        assert all(event["error"] for event in events)
        await trial.in_doubt()
        assert not watch.failing
    connection = connect(path)
    assert connection.execute("SELECT count(*) FROM kept_request").fetchone() == (0,)
    connection.close()
