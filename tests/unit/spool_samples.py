# SPDX-License-Identifier: Apache-2.0
"""An app_voicemail spool as Asterisk leaves it."""

from __future__ import annotations

from pathlib import Path

from tests.unit.audio_samples import wav

_TEXT = """;
; Message Information file
;
[message]
origmailbox={mailbox}
context=default
exten=7{mailbox}
rdnis=unknown
callerid="Dave Caller" <{caller}>
origdate=Sun Nov 22 10:45:37 PM UTC 2026
origtime={origtime}
category=
msg_id={msg_id}
flag=
duration=2
"""


class SpoolSample:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._context = root / "voicemail" / "default"
        self._count = 0

    def message(
        self, mailbox: str, folder: str = "INBOX", *, audio: bytes | None = None, caller: str = "+15557777"
    ) -> None:
        """The next message; without ``audio`` two seconds of sound."""
        where = self._context / mailbox / folder
        where.mkdir(parents=True, exist_ok=True)
        number = len(list(where.glob("*.txt")))
        origtime = 1795387537 + self._count
        self._count += 1
        text = _TEXT.format(
            mailbox=mailbox, caller=caller, origtime=origtime, msg_id=f"{origtime}-{self._count:08x}"
        )
        (where / f"msg{number:04}.txt").write_text(text)
        (where / f"msg{number:04}.wav").write_bytes(wav(seconds=2.0) if audio is None else audio)

    def greeting(self, mailbox: str, name: str = "unavail") -> None:
        where = self._context / mailbox
        where.mkdir(parents=True, exist_ok=True)
        (where / f"{name}.wav").write_bytes(wav(seconds=1.5))

    def file(self, mailbox: str, name: str, text: str) -> None:
        path = self._context / mailbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
