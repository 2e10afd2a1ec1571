# SPDX-License-Identifier: Apache-2.0
"""The worlds in which dialogues are played: a new one joins by one line in ``WORLDS``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.dialogues.memory_world import memory_world
from tests.dialogues.product_world import PRODUCT_WORLDS
from tests.dialogues.world import World

WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[World]]] = {
    "library": memory_world,
    **PRODUCT_WORLDS,
}
SERVED = frozenset({"product on postgres"})
"""Those that need a server of somebody else."""
