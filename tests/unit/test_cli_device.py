# SPDX-License-Identifier: Apache-2.0
"""``vvm device``."""

from __future__ import annotations

from tests.unit.command_line import CommandLine
from vvm.cli.main import Exit

ALICE = "+33612345678"


def test_a_device_is_added_listed_and_revoked(vvm: CommandLine) -> None:
    vvm("subscriber", "add", ALICE)
    added = vvm("device", "add", ALICE, "--name", "Tablet", "--profile", "mail", "--json").document
    listed = vvm("device", "list", ALICE, "--json")
    assert listed.rows == [{name: value for name, value in added.items() if name != "password"}]
    assert str(added["password"]) not in listed.out
    assert str(added["login"]) in vvm("device", "list", ALICE).out
    assert vvm("device", "revoke", ALICE, str(added["id"])).code == Exit.OK
    assert vvm("device", "list", ALICE, "--json").rows == []
    assert vvm("device", "revoke", ALICE, str(added["id"])).code == Exit.REFUSED


def test_the_password_is_shown_once(vvm: CommandLine) -> None:
    vvm("subscriber", "add", ALICE)
    shown = vvm("device", "add", ALICE, "--name", "Tablet").out
    (password,) = (line.split()[1] for line in shown.splitlines() if line.split()[0] == "password")
    assert len(password) == 22
