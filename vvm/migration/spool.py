# SPDX-License-Identifier: Apache-2.0
"""An app_voicemail spool, of Asterisk or FreePBX, as files (spec/asterisk.md section 3).

Nothing in it is changed, so nothing is locked: stop Asterisk, or take a copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from vvm.domain.message import Flags, Kind
from vvm.fronts.asterisk.message_file import MAX_BYTES, MessageFile, Unreadable, parse_message_file
from vvm.migration.numbers import Numbers
from vvm.migration.source import Item, Origin, Read, Recorded, SourceFault
from vvm.migration.voicemail_conf import read_pins, read_secret_conf

_FOLDERS = {
    "INBOX": Flags(0),
    "Urgent": Flags.FLAGGED,
    "Old": Flags.SEEN,
    "Work": Flags.SEEN,
    "Family": Flags.SEEN,
    "Friends": Flags.SEEN,
}
"""Who moved a message to a folder of his own has heard it.  Deleted and tmp stay behind."""
_AUDIO = (".wav", ".WAV", ".gsm", ".ulaw", ".alaw", ".sln")
"""The best first; what cannot be read is refused one by one."""
_GREETINGS = {
    "unavail": (Kind.NORMAL_GREETING, True),
    "greet": (Kind.VOICE_SIGNATURE, True),
    "busy": (Kind.NORMAL_GREETING, False),
    "temp": (Kind.NORMAL_GREETING, False),
}


class Spool:
    """vvm.migration.source.Source."""

    def __init__(self, root: Path, context: str, *, numbers: Numbers, voicemail_conf: Path | None) -> None:
        """``root`` holds ``voicemail/<context>``, or is that ``voicemail``.  Raises SourceFault."""
        found = [path for path in (root / "voicemail" / context, root / context) if path.is_dir()]
        if not found:
            raise SourceFault(f"{root} holds no voicemail/{context}")
        self._context = found[0]
        self._numbers = numbers
        self._pins = read_pins(voicemail_conf, context)

    async def origins(self) -> AsyncIterator[Origin]:
        for mailbox in sorted(path for path in self._context.iterdir() if path.is_dir()):
            yield await asyncio.to_thread(self._origin, mailbox)

    async def read(self, origin: Origin, item: Item) -> Read:
        del origin
        audio = await asyncio.to_thread(_octets, Path(item.place))
        return Read(audio, item.caller, item.received_at)

    async def greeting(self, origin: Origin, recorded: Recorded) -> bytes:
        del origin
        return await asyncio.to_thread(_octets, Path(recorded.place))

    def _origin(self, mailbox: Path) -> Origin:
        items: list[Item] = []
        problems: list[str] = []
        for folder, flags in _FOLDERS.items():
            for text in sorted((mailbox / folder).glob("msg[0-9][0-9][0-9][0-9]*.txt")):
                try:
                    items.append(self._item(mailbox.name, text, flags))
                except SourceFault as fault:
                    problems.append(f"{folder}/{text.name}: {fault}")
        return Origin(
            name=mailbox.name,
            msisdn=self._numbers.of(mailbox.name),
            items=sorted(items, key=lambda item: item.received_at),
            greetings=tuple(_greetings(mailbox)),
            pin=self._pins.get(mailbox.name) or read_secret_conf(mailbox),
            problems=problems,
        )

    def _item(self, mailbox: str, text: Path, flags: Flags) -> Item:
        said = _message(text)
        audio = _audio_of(text.with_suffix(""))
        if audio is None:
            raise SourceFault("no audio beside it")
        return Item(
            key=f"spool/{self._context.name}/{mailbox}/{said.msg_id}",
            place=str(audio),
            received_at=said.received_at,
            flags=flags,
            caller=said.caller,
            size=audio.stat().st_size,
        )


def _message(text: Path) -> MessageFile:
    try:
        with text.open("rb") as file:
            return parse_message_file(file.read(MAX_BYTES))
    except (OSError, Unreadable):
        raise SourceFault("not a message that app_voicemail has finished") from None


def _greetings(mailbox: Path) -> Iterator[Recorded]:
    for name, (kind, on) in _GREETINGS.items():
        if (audio := _audio_of(mailbox / name)) is not None:
            yield Recorded(str(audio), kind, on)


def _audio_of(stem: Path) -> Path | None:
    """``msg0000`` has no suffix of its own, so that one is put behind it."""
    return next((path for suffix in _AUDIO if (path := stem.with_name(stem.name + suffix)).is_file()), None)


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceFault(f"{path.name}: {error.strerror}") from None
