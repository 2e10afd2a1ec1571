# SPDX-License-Identifier: Apache-2.0
"""Greetings as a client of AT&T brings them: not as messages, but as annotations of INBOX.

What it sets there (spec/omtp-vvm.md 16 and 20.2) is a greeting like any other one, and what it reads
there is the greeting that is, whoever brought it.  A sound is a header that says ``audio/amr``, an
empty line, and the octets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imap_server.abilities import Annotation
from imap_server.backend import NotAllowed
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.fronts.imap.annotations import FolderAnnotations
from vvm.fronts.imap.opened import Opened, refusals, told
from vvm.message.reader import ReadLimits, read_message
from vvm.omtp.commands import INVALID_PARAMETER
from vvm.services.filing import place
from vvm.services.greetings import audio_of
from vvm.store import port

_AT = "/private/vendor/vendor.alu/messaging/"
_SOUNDS: Mapping[str, Kind] = {
    _AT + "Greetings/Personal": Kind.NORMAL_GREETING,
    _AT + "RecordedName": Kind.VOICE_SIGNATURE,
}
_TYPE = _AT + "GreetingType"
_TYPES: Mapping[str, frozenset[Kind]] = {
    "Personal": frozenset({Kind.NORMAL_GREETING}),
    "StandardWithName": frozenset({Kind.VOICE_SIGNATURE}),
    "StandardWithNumber": frozenset(),
}
"""What is on."""
_OURS = {name.lower(): name for name in (*_SOUNDS, _TYPE)}
_HEADER = b"Content-Type: audio/amr\r\n\r\n"
_LIMITS = ReadLimits()
_NONE = Flags(0)


class AttAnnotations:
    """imap_server.abilities.Annotations, where those of INBOX that are greetings are kept as such."""

    def __init__(self, others: FolderAnnotations, opened: Opened) -> None:
        self._others = others
        self._opened = opened
        self._mailbox = opened.mailbox
        self._mailboxes = opened.services.mailboxes
        self._retrieval = opened.services.retrieval
        self._greetings = opened.services.greetings

    async def read(self, mailbox: str) -> Sequence[Annotation] | None:
        kept = await self._others.read(mailbox)
        if kept is None or place(mailbox) != INBOX:
            return kept
        records = await self._records()
        sounds = [
            Annotation(name, _HEADER + await self._sound(record))
            for name, kind in _SOUNDS.items()
            if (record := _of(kind, records)) is not None
        ]
        return [*kept, *sounds, Annotation(_TYPE, _type_of(records).encode())]

    async def write(self, mailbox: str, values: Mapping[str, bytes | None]) -> bool:
        """A greeting is set apart from other entries, because no transaction holds both.

        Its sound comes before the choice of what is on; what was done before a refusal stays.
        """
        greetings = {_OURS[name.lower()]: value for name, value in values.items() if name.lower() in _OURS}
        if not greetings or place(mailbox) != INBOX:
            return await self._others.write(mailbox, values)
        if len(greetings) < len(values):
            raise NotAllowed("a greeting is set apart from other entries", code="CANNOT")
        chosen = greetings.pop(_TYPE, None)
        for name, value in greetings.items():
            await self._replace(_SOUNDS[name], value)
        if chosen is not None:
            await self._choose(chosen)
        return True

    async def _replace(self, kind: Kind, value: bytes | None) -> None:
        """The new one is on; the one that this entry showed is gone."""
        before = _of(kind, await self._records())
        if value is not None:
            with refusals(INVALID_PARAMETER):
                await self._greetings.record(
                    self._opened.owner.msisdn,
                    audio_of(read_message(value, _LIMITS)),
                    kind=kind,
                    active=True,
                    received_at=self._opened.services.clock.now(),
                    owed=self._opened.owed(GREETINGS),
                )
        if before is not None:
            await self._mark([before.uid], add=Flags.DELETED)
            await told(self._retrieval.expunge(self._mailbox, GREETINGS, [before.uid], ()))

    async def _choose(self, value: bytes) -> None:
        wanted = next((kinds for name, kinds in _TYPES.items() if name.encode() == value), None)
        if wanted is None:
            raise NotAllowed(INVALID_PARAMETER)
        records = await self._records()
        on = [found.uid for kind in wanted if (found := _of(kind, records)) is not None]
        if len(on) < len(wanted):
            raise NotAllowed("there is no such greeting", code="CANNOT")
        await self._mark(on, add=Flags.GREETING_ON)
        off = [each.uid for each in records if Flags.GREETING_ON in each.flags and each.uid not in on]
        await self._mark(off, remove=Flags.GREETING_ON)

    async def _mark(self, uids: Sequence[int], *, add: Flags = _NONE, remove: Flags = _NONE) -> None:
        if uids:
            owed = self._opened.owed(GREETINGS)
            await told(
                self._retrieval.mark(self._mailbox, GREETINGS, uids, add=add, remove=remove, owed=owed)
            )

    async def _records(self) -> Sequence[port.MessageRecord]:
        states = await told(self._mailboxes.states(self._mailbox, GREETINGS))
        uids = [state.uid for state in states]
        return await told(self._mailboxes.messages(self._mailbox, GREETINGS, uids))

    async def _sound(self, record: port.MessageRecord) -> bytes:
        octets = await told(self._mailboxes.octets(self._mailbox, GREETINGS, record.uid))
        return b"" if octets is None else audio_of(read_message(octets, _LIMITS))


def _of(kind: Kind, records: Sequence[port.MessageRecord]) -> port.MessageRecord | None:
    """The one that is on, or else the last one."""
    found = [each for each in records if each.kind is kind]
    return next((each for each in found if Flags.GREETING_ON in each.flags), found[-1] if found else None)


def _type_of(records: Sequence[port.MessageRecord]) -> str:
    on = {each.kind for each in records if Flags.GREETING_ON in each.flags}
    return next((name for name, kinds in _TYPES.items() if kinds & on), "StandardWithNumber")
