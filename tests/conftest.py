# SPDX-License-Identifier: Apache-2.0
"""What holds for every test: no clock on examples, and who may run beside whom in several processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

_HERE = Path(__file__).parent
# Programs and whole servers wait for each other's answers: one of them at a time, in the order of the files,
# so that a server which serves a whole run is started once.  Tests that are one process run beside them.
_ONE_AT_A_TIME = ("peers", "process", "upgrade")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For pytest-xdist with ``--dist loadgroup``."""
    for item in items:
        if item.path.relative_to(_HERE).parts[0] in _ONE_AT_A_TIME:
            item.add_marker(pytest.mark.xdist_group("one_at_a_time"))
