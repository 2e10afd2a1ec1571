# SPDX-License-Identifier: Apache-2.0
"""``vvm config check`` finds what a start would refuse of the store that is there, and changes nothing."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.unit.audio_samples import wav
from tests.unit.command_line import CommandLine
from vvm.cli.main import Exit


def octets(directory: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file()}


def found(vvm: CommandLine, key: str) -> str:
    """The one line that the check has for a mistake; it has changed no file."""
    before = octets(vvm.directory)
    ran = vvm("config", "check")
    assert octets(vvm.directory) == before
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    (line,) = ran.err.splitlines()
    start = f"vvm: {vvm.config}: {key} = "
    assert line.startswith(start)
    return line.removeprefix(start)


def test_a_store_with_its_key_is_good_and_not_changed(vvm: CommandLine) -> None:
    assert vvm("subscriber", "add", "+33612345678").code == Exit.OK
    before = octets(vvm.directory)
    assert vvm("config", "check").code == Exit.OK
    assert octets(vvm.directory) == before


def test_the_master_key_of_another_store_is_found(vvm: CommandLine) -> None:
    assert vvm("subscriber", "add", "+33612345678").code == Exit.OK
    key = vvm.directory / "var" / "master.key"
    key.write_bytes(secrets.token_bytes(32))
    store = vvm.directory / "var" / "vvm.db"
    right = f'"": the master key that sealed the passwords in {store}: {key} is another one'
    assert found(vvm, "secrets.master_key_file") == right
    key.unlink()
    right = f'"": the master key that belongs to {store}: {key} is missing'
    assert found(vvm, "secrets.master_key_file") == right


def test_a_store_that_is_no_database_is_found(vvm: CommandLine) -> None:
    store = vvm.directory / "var" / "vvm.db"
    store.parent.mkdir()
    store.write_text("not a database" * 1000)
    assert found(vvm, "store.url") == f'"sqlite:///{store}": a store: {store} is not a database of SQLite'


def test_a_store_that_was_moved_is_found(vvm: CommandLine) -> None:
    assert vvm("subscriber", "add", "+33612345678").code == Exit.OK
    store, other = (f"sqlite:///{vvm.directory}/var/{name}.db" for name in ("vvm", "other"))
    assert vvm("store", "copy", store, other).code == Exit.OK
    right = f'"{store}": a store to serve from: this store was moved to {other}'
    assert found(vvm, "store.url").startswith(right)


def test_blobs_of_which_nobody_says_where_they_are_are_found(vvm: CommandLine) -> None:
    store, blobs = vvm.directory / "var" / "vvm.db", vvm.directory / "blobs"
    said = vvm.config.read_text()
    vvm.config.write_text(f'{said}[blobs]\nurl = "file://{blobs}"\n')
    assert vvm("subscriber", "add", "+33612345678").code == Exit.OK
    audio = vvm.directory / "message.wav"
    audio.write_bytes(wav(seconds=2))
    assert vvm("message", "deposit", "--to", "+33612345678", str(audio)).code == Exit.OK
    assert vvm("config", "check").code == Exit.OK
    vvm.config.write_text(said)
    assert found(vvm, "blobs.url") == f'"": where the octets of messages in {store} lie'


def test_a_directory_that_cannot_be_made_is_found_by_every_command(
    vvm: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VVM_STATE__DIRECTORY", "/proc/x")
    right = 'vvm: VVM_STATE__DIRECTORY: state.directory = "/proc/x": a directory to write to: '
    for words in (("config", "check"), ("serve",)):
        ran = vvm(*words)
        assert ran.code == Exit.USAGE
        assert ran.err.startswith(right)
