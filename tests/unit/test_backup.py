# SPDX-License-Identifier: Apache-2.0
"""Backups: taken from a store in use, proved, restored, and refused when they would not help."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.unit.audio_samples import wav
from tests.unit.logging_restored import logging_restored
from vvm.cli.main import Exit, main

ALICE = "+33612345678"

Said = tuple[int, str, str]


class Site:
    """A store with its configuration."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str], *, more: str = "") -> None:
        self.directory = directory
        self._capsys = capsys
        directory.mkdir(exist_ok=True)
        self.file = directory / "vvm.toml"
        self.file.write_text(
            f'[state]\ndirectory = "{directory}/var"\n[store]\nurl = "sqlite:///{directory}/var/vvm.db"\n'
            f'[blobs]\nurl = "file://{directory}/blobs"\nencrypt = true\n{more}'
        )

    def vvm(self, *words: str) -> Said:
        code = main([*words, "--config", str(self.file)])
        said = self._capsys.readouterr()
        return int(code), said.out, said.err

    def json(self, *words: str) -> Any:
        code, out, err = self.vvm(*words, "--json")
        assert code == Exit.OK, err
        return json.loads(out)

    def column(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.directory / "var" / "vvm.db")) as database:
            return [row[0] for row in database.execute(statement)]


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    """Two messages, one of them in the database and one in a blob."""
    with logging_restored():
        made = Site(tmp_path / "site", capsys)
        speech = tmp_path / "speech.wav"
        speech.write_bytes(wav(seconds=2.0))
        made.vvm("subscriber", "add", ALICE)
        made.json("message", "deposit", str(speech), "--to", ALICE)
        text = made.file.read_text()
        made.file.write_text(text.replace("encrypt = true", "encrypt = false"))
        made.json("message", "deposit", str(speech), "--to", ALICE)
        made.file.write_text(text)
        yield made


def other_site(site: Site, tmp_path: Path) -> Site:
    """A machine of its own, with a copy of the master key."""
    other = Site(tmp_path / "other", site._capsys)
    (other.directory / "var").mkdir()
    key = (site.directory / "var" / "master.key").read_bytes()
    (other.directory / "var" / "master.key").write_bytes(key)
    return other


def test_a_backup_is_restored_elsewhere_with_every_message(site: Site, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    made = site.json("backup", "create", backup)
    assert (made["subscribers"], made["messages"], made["blobs"]) == (1, 2, 2)
    other = other_site(site, tmp_path)
    assert other.json("backup", "verify", backup) == made
    assert other.json("backup", "restore", backup) == made
    assert other.json("message", "list", ALICE) == site.json("message", "list", ALICE)
    again = str(tmp_path / "again")
    assert other.json("backup", "create", again)["octets"] == made["octets"]
    first, second = ((Path(place) / "mailboxes.jsonl").read_bytes() for place in (backup, again))
    assert first == second


def test_a_restored_store_has_other_uid_validities(site: Site, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    site.json("backup", "create", backup)
    other = other_site(site, tmp_path)
    other.json("backup", "restore", backup)
    statement = "SELECT uid_validity FROM folder ORDER BY id"
    before, after = site.column(statement), other.column(statement)
    assert len(set(after)) == len(after) == 2
    assert min(after) > max(before)
    assert min(other.column("SELECT uid_validity FROM mailbox")) >= max(after)


def test_the_master_key_is_not_in_it(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    site.json("backup", "create", str(backup))
    key = (site.directory / "var" / "master.key").read_bytes()
    assert not any(key in path.read_bytes() for path in backup.rglob("*") if path.is_file())


def test_another_master_key_is_noticed(site: Site, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    site.json("backup", "create", backup)
    other = other_site(site, tmp_path)
    (other.directory / "var" / "master.key").write_bytes(bytes(32))
    for command in ("verify", "restore"):
        code, _, err = other.vvm("backup", command, backup)
        assert code == Exit.REFUSED
        assert "needs the master key" in err


def test_a_file_that_was_brought_back_by_other_means_begins_anew(site: Site) -> None:
    statement = "SELECT uid_validity FROM folder ORDER BY id"
    before = site.column(statement)
    assert site.vvm("backup", "recovered")[0] == Exit.OK
    assert min(site.column(statement)) > max(before)


def test_where_no_store_is_nothing_begins_anew(site: Site, tmp_path: Path) -> None:
    code, _, err = other_site(site, tmp_path).vvm("backup", "recovered")
    assert (code, "there is no store at" in err) == (Exit.REFUSED, True)


def test_what_a_backup_says_of_itself_is_for_people_too(site: Site, tmp_path: Path) -> None:
    code, out, _ = site.vvm("backup", "create", str(tmp_path / "backup"))
    said = dict(line.split(maxsplit=1) for line in out.splitlines() if len(line.split()) > 1)
    assert (code, said["engine"].strip(), said["subscribers"].strip()) == (Exit.OK, "sqlite", "1")
    assert {"schema", "release"} <= set(said)


@pytest.mark.parametrize("harm", ["blob", "row", "mailbox", "manifest"])
def test_verify_finds_what_is_not_as_it_was(site: Site, tmp_path: Path, harm: str) -> None:
    backup = tmp_path / "backup"
    site.json("backup", "create", str(backup))
    named = "vvm.db is damaged"
    if harm == "blob":
        blob = next(path for path in (backup / "blobs").rglob("*") if path.is_file())
        named = "is damaged: it is not what was written"
        *octets, last = blob.read_bytes()
        blob.write_bytes(bytes((*octets, last ^ 1)))
    elif harm == "manifest":
        (backup / "manifest.json").unlink()
        named = "holds no whole backup"
    else:
        change = {"row": "UPDATE message SET flags = 1 WHERE uid = 2", "mailbox": "DELETE FROM subscriber"}
        with closing(sqlite3.connect(backup / "vvm.db")) as database:
            database.execute(change[harm])
            database.commit()
    code, _, err = site.vvm("backup", "verify", str(backup))
    assert (code, named in " ".join(err.split())) == (Exit.REFUSED, True)


def test_nothing_is_overwritten(site: Site, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    site.json("backup", "create", backup)
    for command, why in (("create", "is not empty"), ("restore", "exists: move it away first")):
        code, _, err = site.vvm("backup", command, backup)
        assert code == Exit.REFUSED
        assert why in err


def test_blobs_can_be_left_to_the_object_store(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert site.json("backup", "create", str(backup), "--no-blobs")["blobs"] is None
    assert not (backup / "blobs").exists()
    assert site.json("backup", "verify", str(backup))["messages"] == 2
