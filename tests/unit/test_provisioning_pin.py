# SPDX-License-Identifier: Apache-2.0
"""An operator sets a PIN, by HTTP and by command line; nothing ever shows it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.http_api import api
from tests.unit.logging_restored import logging_restored
from tests.unit.services_world import ALICE, World
from vvm.cli.main import Exit, main
from vvm.domain.secrets import Secret

PATH = f"/v1/subscribers/{ALICE}"
PIN = Secret("2580")


async def test_a_pin_is_set_when_the_subscriber_is_made() -> None:
    world = World()
    async with api(world) as http:
        answer = await http.call("PUT", PATH, json={"pin": PIN.reveal()})
    assert answer.status == 201
    assert "pin" not in answer.text
    assert PIN.reveal() not in answer.text
    await world.pins.verify((await world.current()).id, PIN)


async def test_a_pin_is_replaced_and_left_alone_by_other_changes() -> None:
    world = World()
    async with api(world) as http:
        await http.call("PUT", PATH, json={"pin": "4711"})
        await http.call("PATCH", PATH, json={"pin": PIN.reveal()})
        await http.call("PATCH", PATH, json={"max_messages": 7})
    await world.pins.verify((await world.current()).id, PIN)


@pytest.mark.parametrize("pin", ["1", "1234", "25x0", "0" * 30])
async def test_a_pin_against_the_rules_is_a_problem_and_changes_nothing(pin: str) -> None:
    world = World()
    async with api(world) as http:
        await http.call("PUT", PATH)
        before = await world.current()
        answer = await http.call("PATCH", PATH, json={"pin": pin, "max_messages": 7})
    assert answer.problem == (422, "unfit_pin")
    assert pin not in str(answer.json["detail"])
    assert await world.current() == before


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration that the commands of the test find."""
    file = tmp_path / "vvm.toml"
    file.write_text(
        f'[state]\ndirectory = "{tmp_path}/var"\n[store]\nurl = "sqlite:///{tmp_path}/var/vvm.db"\n'
        "[pin]\nmemory_kib = 64\npasses = 1\n"
    )
    monkeypatch.setenv("VVM_CONFIG", str(file))
    with logging_restored():
        yield file


@pytest.mark.parametrize(
    ("content", "code"),
    [("2580\n", Exit.OK), ("1234\n", Exit.REFUSED), ("", Exit.USAGE), ("2580\n4711\n", Exit.USAGE)],
)
def test_the_command_line_reads_it_from_a_file(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, code: Exit
) -> None:
    del config
    file = tmp_path / "pin"
    file.write_text(content)
    assert main(("subscriber", "add", ALICE, "--pin-file", str(file))) == code
    said = capsys.readouterr()
    assert "2580" not in said.out + said.err


def test_a_file_that_is_not_there_is_a_mistake_in_the_command_line(config: Path, tmp_path: Path) -> None:
    del config
    assert main(("subscriber", "add", ALICE, "--pin-file", str(tmp_path / "none"))) == Exit.USAGE
