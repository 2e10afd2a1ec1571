# SPDX-License-Identifier: Apache-2.0
"""The soft limit of descriptors follows the connections that the configuration promises."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from vvm.runtime.descriptors import allow_connections


@pytest.fixture
def hard() -> Iterator[int]:
    """The hard limit, where the soft one is lower than a server needs; both are put back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def soft_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_it_is_raised_as_far_as_needed_and_never_lowered(hard: int) -> None:
    with capture_logs() as logs:
        allow_connections(2000)
        raised = soft_limit()
        allow_connections(10)
    assert 2000 < raised < hard
    assert soft_limit() == raised
    assert logs == []


def test_where_the_system_gives_fewer_they_are_all_taken_and_it_is_told(hard: int) -> None:
    with capture_logs() as logs:
        allow_connections(hard)
    assert soft_limit() == hard
    assert [(line["event"], line["hard_limit"]) for line in logs] == [("descriptors_few", hard)]
