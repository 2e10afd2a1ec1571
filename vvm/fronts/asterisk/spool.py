# SPDX-License-Identifier: Apache-2.0
"""Drain what the dialplan's fallback has recorded while the service was away.

app_voicemail is a queue here and nothing else: nobody listens to its mailboxes, so nothing has to be kept
in step.  Order matters: read, deposit under a key that names the message, and only then remove.  The key
is node, context, mailbox and msg_id, because two nodes can make the same msg_id.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import InvalidNumber, Outage, TooLarge
from vvm.domain.message import Envelope
from vvm.fronts.asterisk.depositor import Delivery
from vvm.fronts.asterisk.folder import Entry, Folder, read_bounded
from vvm.fronts.asterisk.message_file import addressee, owner
from vvm.fronts.asterisk.settings import AsteriskSettings

log = structlog.get_logger(__name__)

FOLDERS = ("INBOX", "Urgent", "Old")
_KEY = "spool/"
_RIFF_HEADER_BYTES = 44


class SpoolAgent:
    """Takes messages out of one context of a node's voicemail spool."""

    def __init__(self, settings: AsteriskSettings, delivery: Delivery, clock: Clock) -> None:
        self._settings = settings
        self._delivery = delivery
        self._clock = clock
        self._spool = Path(settings.spool)
        self._context = self._spool / "voicemail" / settings.spool_context
        self._trouble = ""
        """Why the last look failed, as it was logged; empty when it did not."""
        self.waiting = 0
        """Messages that the last look left in the spool."""
        self.failures = 0
        """Looks that failed since the start."""

    async def run(self) -> None:
        """Look every ``spool_every`` seconds.  Never returns.

        A spool that is not there, or may not be read, is told once and looked for again.
        """
        while True:
            try:
                await self.drain()
            except OSError as error:
                self._failed(f"{error.filename or self._spool}: {error.strerror or error}")
            except Exception:
                # A defect of ours now may meet another spool at the next look; nothing is lost.
                self.failures += 1
                log.exception("spool_not_drained")
            else:
                self._trouble = ""
            await asyncio.sleep(self._settings.spool_every)

    def _failed(self, reason: str) -> None:
        self.failures += 1
        if reason != self._trouble:
            log.warning("spool_not_drained", reason=reason)
        self._trouble = reason

    async def drain(self) -> None:
        """Look once at every mailbox of the context.

        Raises OSError when there is no spool, or one that may not be read.
        """
        present: set[str] = set()
        for mailbox in await asyncio.to_thread(_mailboxes, self._spool, self._context):
            for name in FOLDERS:
                folder = Folder(mailbox / name, lock_seconds=self._settings.lock_seconds)
                if await asyncio.to_thread((mailbox / name).is_dir):
                    present |= await self._drain_folder(mailbox.name, folder)
            present |= await self._sweep(mailbox)
        self._delivery.forget_all_but(_KEY, present)
        self.waiting = len(present)

    async def _drain_folder(self, mailbox: str, folder: Folder) -> set[str]:
        """Returns the keys of what is still there."""
        kept: set[str] = set()
        try:
            listing = await asyncio.to_thread(folder.listing)
            for entry in listing.entries:
                key = self._key(mailbox, entry.message.msg_id)
                if not await self._take(key, mailbox, folder, entry):
                    kept.add(key)
            if len(kept) < len(listing.entries):
                await asyncio.to_thread(folder.close_gaps)
            for path in listing.unreadable:
                kept.add(key := self._key(mailbox, path.name))
                if self._delivery.is_due(key):
                    self._delivery.refuse(key, "unreadable")
        except Outage as error:
            log.warning("spool_folder_postponed", mailbox=mailbox, reason=str(error))
        return kept

    async def _take(self, key: str, mailbox: str, folder: Folder, entry: Entry) -> bool:
        """True when the message has left the spool."""
        if not self._delivery.is_due(key):
            return False
        try:
            recipient = addressee(entry.message, mailbox)
            audio = await asyncio.to_thread(folder.read, entry, max_bytes=self._settings.max_recording_bytes)
        except (InvalidNumber, TooLarge) as refusal:
            self._delivery.refuse(key, refusal.code)
            return False
        except OSError:
            self._delivery.refuse(key, "no_audio")
            return False
        if audio is None:
            return True
        envelope = Envelope(caller=entry.message.caller, received_at=entry.message.received_at)
        outcome = await self._delivery.deliver(key, recipient, audio, envelope)
        if outcome.settled:
            try:
                await asyncio.to_thread(folder.remove, entry)
            except OSError:
                # Delivered, and its key keeps it single; the others must not wait for the operator.
                self._delivery.refuse(key, "not_removable")
                return False
        return outcome.settled

    async def _sweep(self, mailbox: Path) -> set[str]:
        """Take in what a killed Asterisk left in ``tmp``; returns the keys of what is still there.

        The message's text is written at the end of a call, so all that is known is the mailbox: when
        it is a subscriber's number the audio is delivered, without a caller.  In a mailbox of the
        fallback it is left for the operator.
        """
        kept: set[str] = set()
        # Nobody can still be recording to a file that is older than the longest message.
        before = self._clock.now() - timedelta(seconds=2 * self._settings.max_seconds)
        for path, written_at in await asyncio.to_thread(_leftovers, mailbox / "tmp", before):
            key = self._key(mailbox.name, f"tmp/{path.stem}-{int(written_at.timestamp())}")
            kept.add(key)
            if not self._delivery.is_due(key):
                continue
            try:
                recipient = owner(mailbox.name)
            except InvalidNumber:
                self._delivery.refuse(key, "no_addressee")
                continue
            try:
                limit = self._settings.max_recording_bytes
                audio = await asyncio.to_thread(read_bounded, path, limit)
            except TooLarge as refusal:
                self._delivery.refuse(key, refusal.code)
                continue
            envelope = Envelope(caller=None, received_at=written_at)
            outcome = await self._delivery.deliver(key, recipient, audio, envelope)
            if outcome.settled:
                await asyncio.to_thread(_unlink_all, path)
                kept.discard(key)
        return kept

    def _key(self, mailbox: str, identity: str) -> str:
        return f"{_KEY}{self._settings.system_name}/{self._settings.spool_context}/{mailbox}/{identity}"


def _mailboxes(spool: Path, context: Path) -> list[Path]:
    """The folders of a context; none before its first message.  Raises OSError when there is no spool."""
    os.scandir(spool).close()
    try:
        return sorted(entry for entry in context.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []


def _leftovers(tmp: Path, before: datetime) -> list[tuple[Path, datetime]]:
    """Audio that was last written before a moment, and when."""
    found = []
    for path in tmp.glob("*.wav"):
        status = path.stat()
        written_at = datetime.fromtimestamp(status.st_mtime, UTC)
        if written_at < before and status.st_size > _RIFF_HEADER_BYTES:
            found.append((path, written_at))
    return sorted(found)


def _unlink_all(audio: Path) -> None:
    """Remove a leftover with its text and its other formats."""
    for path in audio.parent.glob(f"{audio.stem}*"):
        path.unlink(missing_ok=True)
