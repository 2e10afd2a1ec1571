# SPDX-License-Identifier: Apache-2.0
"""Who starts beside a process with the same role on the same file hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from vvm.runtime.once import seen


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "vvm.db"
    path.touch()
    path.chmod(0o640)
    return path


def test_who_is_alone_hears_of_nobody(store: Path) -> None:
    with seen(store, ["sms", "imap"]) as first:
        assert first == []
    with seen(store, ["sms", "imap"]) as after:
        assert after == []
        assert store.with_name("vvm.db-role-sms").stat().st_mode & 0o777 == 0o640


def test_who_comes_second_or_third_hears_of_the_roles_that_run(store: Path) -> None:
    with seen(store, ["imap", "sms"]):
        with seen(store, ["sms", "worker"]) as second:
            assert second == ["sms"]
        other = store.with_name("other.db")
        other.touch()
        with seen(other, ["sms"]) as elsewhere:
            assert elsewhere == []
    with seen(store, ["sms"]):
        with seen(store, ["sms"]) as second, seen(store, ["sms"]) as third:
            assert second == third == ["sms"]
        with seen(store, ["http"]) as http:
            assert http == []


def test_the_second_is_found_when_the_first_has_gone(store: Path) -> None:
    first, second = seen(store, ["sms"]), seen(store, ["sms"])
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with seen(store, ["sms"]) as third:
        assert third == ["sms"]
    second.__exit__(None, None, None)


def test_a_lock_that_cannot_be_made_stops_nobody(tmp_path: Path) -> None:
    with capture_logs() as logs, seen(tmp_path / "no" / "vvm.db", ["sms"]) as running:
        assert running == []
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("roles_not_looked_at", "No such file or directory")
    ]
