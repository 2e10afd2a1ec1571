# SPDX-License-Identifier: Apache-2.0
"""A folder of app_voicemail keeps its order, its audio and its lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvm.domain.errors import Outage, TooLarge
from vvm.fronts.asterisk.folder import Folder


def put(path: Path, number: int, identity: str, *, kinds: tuple[str, ...] = ("wav", "WAV")) -> None:
    """A message as app_voicemail leaves it; its audio says its identity."""
    path.mkdir(parents=True, exist_ok=True)
    text = f"[message]\nexten=+33612345678\ncallerid=+33698765432\norigtime=1795387537\nmsg_id={identity}\n"
    (path / f"msg{number:04d}.txt").write_text(text)
    for kind in kinds:
        (path / f"msg{number:04d}.{kind}").write_text(identity)


def folder(path: Path) -> Folder:
    return Folder(path, lock_seconds=0.05)


def contents(path: Path) -> dict[str, bytes]:
    """The audio."""
    return {file.name: file.read_bytes() for file in sorted(path.glob("msg*")) if file.suffix != ".txt"}


def identities(of: Folder) -> list[tuple[int, str]]:
    return [(entry.number, entry.message.msg_id) for entry in of.listing().entries]


def test_messages_are_listed_and_read_in_their_order(tmp_path: Path) -> None:
    put(tmp_path, 1, "second")
    put(tmp_path, 0, "first")
    entries = folder(tmp_path).listing().entries
    assert [folder(tmp_path).read(entry, max_bytes=100) for entry in entries] == [b"first", b"second"]


def test_a_message_goes_in_all_its_formats_and_the_next_takes_its_number(tmp_path: Path) -> None:
    put(tmp_path, 0, "first")
    put(tmp_path, 1, "second")
    inbox = folder(tmp_path)
    inbox.remove(inbox.listing().entries[0])
    inbox.close_gaps()
    assert identities(inbox) == [(0, "second")]
    assert contents(tmp_path) == {"msg0000.WAV": b"second", "msg0000.wav": b"second"}


def test_a_message_is_found_again_after_somebody_renumbered(tmp_path: Path) -> None:
    put(tmp_path, 0, "first")
    put(tmp_path, 1, "second")
    inbox = folder(tmp_path)
    first, second = inbox.listing().entries
    inbox.remove(first)
    inbox.close_gaps()
    assert inbox.read(second, max_bytes=100) == b"second"
    assert inbox.read(first, max_bytes=100) is None
    inbox.remove(first)
    assert identities(inbox) == [(0, "second")]


@settings(max_examples=25)
@given(st.sets(st.integers(0, 30)))
def test_whatever_is_there_is_renumbered_without_a_gap_and_in_order(numbers: set[int]) -> None:
    with TemporaryDirectory() as scratch:
        path = Path(scratch)
        for number in numbers:
            put(path, number, f"id-{number}", kinds=("wav",))
        inbox = folder(path)
        inbox.close_gaps()
        assert identities(inbox) == [(new, f"id-{old}") for new, old in enumerate(sorted(numbers))]
        assert [inbox.read(entry, max_bytes=100) for entry in inbox.listing().entries] == [
            f"id-{number}".encode() for number in sorted(numbers)
        ]


@pytest.mark.parametrize("step", range(10))
def test_a_crash_while_renumbering_loses_nothing_and_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Two messages in two formats each: two links, a move and two removals for each of them."""
    put(tmp_path, 1, "first")
    put(tmp_path, 3, "second")
    inbox = folder(tmp_path)
    with monkeypatch.context() as disk:
        crash_after(step, disk)
        with pytest.raises(PowerCut):
            inbox.close_gaps()
    entries = inbox.listing().entries
    assert [inbox.read(entry, max_bytes=100) for entry in entries] == [b"first", b"second"]
    inbox.close_gaps()
    assert identities(inbox) == [(0, "first"), (1, "second")]
    assert set(contents(tmp_path)) == {"msg0000.WAV", "msg0000.wav", "msg0001.WAV", "msg0001.wav"}


class PowerCut(Exception):
    """The machine is off."""


def crash_after(steps: int, disk: pytest.MonkeyPatch) -> None:
    """Let so many changes to messages reach the disk, and no more."""
    left = iter(range(steps))

    def until_off(change: Callable[..., None]) -> Callable[..., None]:
        def changed(path: Path, *rest: Path, **how: bool) -> None:
            if next(left, None) is None:
                raise PowerCut
            change(path, *rest, **how)

        return changed

    disk.setattr(os, "link", until_off(os.link))
    disk.setattr(Path, "rename", until_off(Path.rename))
    disk.setattr(Path, "unlink", until_off(Path.unlink))


def test_audio_that_lost_its_text_is_not_written_over(tmp_path: Path) -> None:
    put(tmp_path, 0, "orphan")
    (tmp_path / "msg0000.txt").unlink()
    put(tmp_path, 1, "second")
    folder(tmp_path).close_gaps()
    assert contents(tmp_path)["msg0000.wav"] == b"orphan"
    assert contents(tmp_path)["msg0001.wav"] == b"second"


def test_a_text_that_was_never_written_is_named_as_unreadable(tmp_path: Path) -> None:
    put(tmp_path, 0, "first")
    (tmp_path / "msg0001.txt").touch()
    assert folder(tmp_path).listing().unreadable == (tmp_path / "msg0001.txt",)
    assert identities(folder(tmp_path)) == [(0, "first")]


def test_audio_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, 0, "first")
    inbox = folder(tmp_path)
    with pytest.raises(TooLarge):
        inbox.read(inbox.listing().entries[0], max_bytes=4)


def test_nothing_is_touched_while_asterisk_holds_the_lock(tmp_path: Path) -> None:
    put(tmp_path, 0, "first")
    inbox = folder(tmp_path)
    entry = inbox.listing().entries[0]
    with (tmp_path / "lock").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(Outage):
            inbox.remove(entry)
    assert contents(tmp_path)["msg0000.wav"] == b"first"
    inbox.remove(entry)
    assert not identities(inbox)


def test_the_lock_is_held_while_we_work_and_its_file_left_to_who_waits_for_it(tmp_path: Path) -> None:
    put(tmp_path, 0, "first")
    inbox = folder(tmp_path)
    with inbox._locked():
        theirs = os.open(tmp_path / "lock", os.O_WRONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert os.path.samestat(os.fstat(theirs), (tmp_path / "lock").stat())
    with pytest.raises(Outage):
        inbox.read(inbox.listing().entries[0], max_bytes=9)
    os.close(theirs)
