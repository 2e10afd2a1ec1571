# SPDX-License-Identifier: Apache-2.0
"""Every dialogue against every world."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogues.runner import Runner, read
from tests.dialogues.world import World

FILES = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
async def test_the_server_keeps_to_the_dialogue(world: World, path: Path) -> None:
    await Runner(world).play(read(path))
