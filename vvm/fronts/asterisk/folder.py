# SPDX-License-Identifier: Apache-2.0
"""One folder of app_voicemail, changed under its own lock so that its numbering stays right.

app_voicemail numbers messages 0, 1, 2 … without a gap, and takes flock(2) on the folder's file ``lock``
while it adds, moves or renumbers (``lockmode = flock`` in asterisk.conf; nothing else can be shared with
another program).  A number is therefore no identity: a message is found again by its msg_id.

Asterisk removes the file when it is done, and who waited for it gets the lock of a file that is not
there any more, without looking: so its calls do not keep each other out (conf/asterisk gives each a
mailbox to itself), and we leave the file where it is.

All of this blocks: call it in a thread.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vvm.domain.errors import Outage, TooLarge
from vvm.fronts.asterisk.message_file import MAX_BYTES, MessageFile, Unreadable, parse_message_file

_NUMBERED = re.compile(r"msg([0-9]{4,})\.(\w+)\Z")
_AUDIO = "wav"
_POLL_SECONDS = 0.005


class Entry(msgspec.Struct, frozen=True):
    """A message as it was listed; its number may have changed since."""

    number: int
    message: MessageFile


class Listing(msgspec.Struct, frozen=True):
    """The messages of a folder."""

    entries: tuple[Entry, ...]
    unreadable: tuple[Path, ...]
    """Message files that say nothing: the machine died while one was written."""


class Folder:
    """INBOX, Urgent or Old of one mailbox."""

    def __init__(self, path: Path, *, lock_seconds: float) -> None:
        self._path = path
        self._lock_seconds = lock_seconds

    def listing(self) -> Listing:
        """What is there now, lowest number first.  Raises Outage when the lock cannot be had."""
        if not self._files():
            return Listing((), ())  # the usual case costs no lock
        with self._locked():
            numbers = sorted(number for number, kinds in self._files().items() if "txt" in kinds)
            found = {number: self._entry(number) for number in numbers}
        return Listing(
            entries=tuple(entry for entry in found.values() if entry is not None),
            unreadable=tuple(self._file(n, "txt") for n, entry in found.items() if entry is None),
        )

    def read(self, entry: Entry, *, max_bytes: int) -> bytes | None:
        """The audio of a message; None when it is not there any more.  Raises Outage, TooLarge."""
        with self._locked():
            number = self._locate(entry)
            if number is None:
                return None
            return read_bounded(self._file(number, _AUDIO), max_bytes)

    def remove(self, entry: Entry) -> None:
        """Remove a message in all its formats.  Raises Outage.

        The text goes last: until then a crash leaves a message that is found again.
        """
        with self._locked():
            number = self._locate(entry)
            if number is None:
                return
            for kind in sorted(self._files()[number], key=lambda kind: (kind == "txt", kind)):
                self._file(number, kind).unlink(missing_ok=True)

    def close_gaps(self) -> None:
        """Renumber what is left to 0, 1, 2 …  Raises Outage.

        The audio gets its new name beside the old one, then the text moves, then the old names go: a
        crash at any point leaves every message with its audio.
        """
        with self._locked():
            self._drop_second_names()
            files = self._files()
            numbers = sorted(number for number, kinds in files.items() if "txt" in kinds)
            for new, old in enumerate(numbers):
                if new == old or new in files:  # audio without its text: not ours to overwrite
                    continue
                audio = sorted(files[old] - {"txt"})
                for kind in audio:
                    os.link(self._file(old, kind), self._file(new, kind))
                self._file(old, "txt").rename(self._file(new, "txt"))
                for kind in audio:
                    self._file(old, kind).unlink()
                files[new] = files.pop(old)

    def _drop_second_names(self) -> None:
        """Finish what a crash in ``close_gaps`` left: audio without a text that has another name too."""
        for number, kinds in self._files().items():
            for path in (self._file(number, kind) for kind in kinds if "txt" not in kinds):
                if path.stat().st_nlink > 1:
                    path.unlink()

    def _file(self, number: int, kind: str) -> Path:
        return self._path / f"msg{number:04d}.{kind}"

    def _files(self) -> dict[int, set[str]]:
        """Which kinds of file each number has."""
        found: dict[int, set[str]] = {}
        for path in self._path.iterdir():
            if numbered := _NUMBERED.match(path.name):
                found.setdefault(int(numbered[1]), set()).add(numbered[2])
        return found

    def _entry(self, number: int) -> Entry | None:
        try:
            with self._file(number, "txt").open("rb") as file:
                return Entry(number, parse_message_file(file.read(MAX_BYTES)))
        except (FileNotFoundError, Unreadable):
            return None

    def _locate(self, entry: Entry) -> int | None:
        """The number that a message has now."""
        for number in (entry.number, *sorted(self._files())):
            there = self._entry(number)
            if there is not None and there.message.msg_id == entry.message.msg_id:
                return number
        return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock that Asterisk's own ``ast_lock_path`` takes."""
        path = self._path / "lock"
        until = time.monotonic() + self._lock_seconds
        while True:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if _flocked(descriptor) and _is_same(descriptor, path):
                    yield
                    return
            finally:
                os.close(descriptor)
            if time.monotonic() > until:
                raise Outage("app_voicemail holds its lock")
            time.sleep(_POLL_SECONDS)


def _flocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    """Asterisk, who held the lock, has removed its file meanwhile: then ours locks nothing."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The octets of a file.  Raises TooLarge, FileNotFoundError."""
    with path.open("rb") as file:
        octets = file.read(max_bytes + 1)
    if len(octets) > max_bytes:
        raise TooLarge(limit_bytes=max_bytes)
    return octets
