# SPDX-License-Identifier: Apache-2.0
"""What ``[hints]`` may say, and which bus comes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from tests.unit.test_config_checks import told
from vvm.config.sections import Config, StoreSettings
from vvm.runtime.hints import MissingExtra, hints_of
from vvm.store.hints.local import LocalHints
from vvm.store.hints.shared import SharedHints
from vvm.store.settings import HintBus, HintSettings

POSTGRES = StoreSettings(url="postgresql://vvm@/vvm")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('bus = "postgres"', "hints.bus"),
        ('bus = "smoke"', "hints.bus"),
        ('bus = "sockets"\ndirectory = "/dev/null/hints"', "hints.directory"),
        ('bus = "redis"\nurl = "http://127.0.0.1"', "hints.url"),
        ('bus = "redis"\nurl = "redis://"', "hints.url"),
        ('bus = "redis"\nurl = "redis://:secret@127.0.0.1"', "hints.url"),
        ('bus = "redis"\nurl = "redis://127.0.0.1?password=secret"', "hints.url"),
        ("timeout_seconds = 0", "hints.timeout_seconds"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, key: str) -> None:
    mistakes = told(tmp_path, f"[hints]\n{text}\n")
    assert [mistake[0] for mistake in mistakes] == [key]
    assert "secret@" not in str(mistakes)


@pytest.mark.parametrize(
    ("store", "bus", "kind"),
    [
        (StoreSettings(), "store", LocalHints),
        (POSTGRES, "store", SharedHints),
        (POSTGRES, "postgres", SharedHints),
        (POSTGRES, "process", LocalHints),
        (StoreSettings(), "sockets", SharedHints),
        (POSTGRES, "redis", SharedHints),
    ],
)
async def test_the_bus_is_the_one_that_was_chosen(store: StoreSettings, bus: HintBus, kind: type) -> None:
    assert type(hints_of(Config(store=store, hints=HintSettings(bus=bus)))) is kind


def test_without_the_extra_redis_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "vvm.store.hints.redis", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    config = msgspec.structs.replace(Config(), hints=HintSettings(bus="redis"))
    with pytest.raises(MissingExtra, match=r"vvm\[redis\]"):
        hints_of(config)
