# SPDX-License-Identifier: Apache-2.0
"""Every dialogue in every world that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogues.conftest import SERVED, WORLDS
from tests.dialogues.runner import Runner, plays_in, read

FILES = sorted(Path(__file__).parent.glob("*.txt"))
PLAYS = [
    pytest.param(
        world,
        path,
        id=f"{path.stem} in {world}",
        marks=[pytest.mark.peers] if world in SERVED else [],
    )
    for path in FILES
    for world in WORLDS
    if plays_in(path, world)
]


@pytest.mark.parametrize(("name", "path"), PLAYS)
async def test_the_server_keeps_to_the_dialogue(name: str, path: Path) -> None:
    async with WORLDS[name]() as world:
        await Runner(world).play(read(path))
