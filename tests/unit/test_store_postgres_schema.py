# SPDX-License-Identifier: Apache-2.0
"""What a schema's number stands for, without a server."""

from __future__ import annotations

import hashlib

from vvm.store.migration import steps
from vvm.store.postgres import schema


def test_functions_change_with_the_schema_and_never_alone() -> None:
    """Else a node of an older release that restarts puts back its own.

    Raise VERSION with a step, an empty one if need be, and set FUNCTIONS.  While no release has this
    VERSION, FUNCTIONS alone is enough.
    """
    assert hashlib.sha256(schema._functions().encode()).hexdigest() == schema.FUNCTIONS


def test_the_last_step_is_that_of_the_schema() -> None:
    assert steps(schema._STEPS, after=0)[-1][0] == schema.VERSION
