# SPDX-License-Identifier: Apache-2.0
"""What one client has been told about its mailbox: the only place that knows sequence numbers.

The mailbox moves at any time; the client may learn of it only at certain moments.  A message that
is gone keeps its number until an EXPUNGE was sent, and EXPUNGE may not be sent while a FETCH,
STORE or SEARCH by sequence number is answered (RFC 3501 section 7.4.1).  So the view separates
*adopting* what the journal says from *reporting* it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from imap_server import flags
from imap_server.backend import Changes, FlagChange, Flags, MessageState, Snapshot
from imap_server.wire import numbers
from imap_server.wire.numbers import NumberSet


class Style(msgspec.Struct, frozen=True):
    """How the client asked to be told (RFC 7162).

    ``modseq``: every change of flags carries its MODSEQ, a silent STORE is answered by the MODSEQ
    alone.  ``vanished``: removals are told by UID, in one VANISHED.
    """

    modseq: bool = False
    vanished: bool = False


PLAIN = Style()


class View:
    """The messages of a selected mailbox in the client's numbering."""

    def __init__(self, snapshot: Snapshot, *, read_only: bool = False) -> None:
        """``snapshot`` is what SELECT tells, its flags included."""
        self.highest_modseq = snapshot.highest_modseq
        self.settled_modseq = snapshot.highest_modseq
        """Up to here the client was told everything, removals included."""
        self._uids = snapshot.messages.uids
        self._states = snapshot.messages.states
        self._shared = True
        """UIDs and states are still those of the snapshot, which others see as well."""
        self._told = len(self._uids)
        self.saved: Sequence[int] = ()
        """The UIDs that ``$`` stands for, those that are gone included (RFC 5182)."""
        self._moved: set[int] = set()
        self._stepped: set[int] = set()
        self._gone: set[int] = set()
        self._named = frozenset(snapshot.flags)
        """What FLAGS has told."""
        self._unnamed: Flags = frozenset()
        """What messages carry beside it."""
        self._flags, self._settable = snapshot.flags, () if read_only else snapshot.permanent_flags

    @property
    def exists(self) -> int:
        """How many messages the client is to count, those not yet reported as expunged included."""
        return len(self._uids)

    # What the mailbox did

    def adopt(self, changes: Changes) -> None:
        """Take in what the journal says; nothing is reported yet."""
        if changes.changed:
            self._part()
            for message in changes.changed:
                self._take(message)
        if changes.expunged:
            self._gone.update(uid for uid in changes.expunged if uid in self._states)
        self.highest_modseq = max(self.highest_modseq, changes.highest_modseq)

    def adopt_stored(self, states: Iterable[MessageState], change: FlagChange, *, silent: bool) -> None:
        """Take in the outcome of the client's own STORE.

        After a ``.SILENT`` one the client assumes the result, so a message is reported only when
        somebody else's change makes the truth differ from that assumption (RFC 3501 section 6.4.6).
        ``highest_modseq`` stays: changes of others may lie below that of the STORE.
        """
        self._part()
        for message in states:
            held = self._states.get(message.uid)
            if held is None:
                continue
            assumed = flags.apply(change, held.flags)
            self._hold(message)
            if not silent or message.flags != assumed:
                self._moved.add(message.uid)
            else:
                self._stepped.add(message.uid)

    def _part(self) -> None:
        """Before anything here changes: own what was the snapshot's."""
        if self._shared:
            self._uids, self._states, self._shared = self._uids.copy(), self._states.copy(), False

    def _take(self, message: MessageState) -> None:
        held = self._states.get(message.uid)
        if held is None:
            if not self._uids or message.uid > self._uids[-1]:
                self._uids.append(message.uid)
                self._hold(message)
            return
        self._hold(message)
        if held.flags != message.flags:
            self._moved.add(message.uid)
        elif held.modseq != message.modseq:
            self._stepped.add(message.uid)

    def _hold(self, message: MessageState) -> None:
        self._states[message.uid] = message
        if not message.flags <= self._named:
            self._unnamed |= message.flags - self._named

    # What the client may hear

    def report_flags(self) -> list[bytes]:
        """FLAGS, when messages carry some that it has not named; PERMANENTFLAGS too where any may be set.

        Allowed at any time, and sent before the flags themselves (RFC 9051 section 7.3.5).
        """
        if not self._unnamed:
            return []
        fresh = tuple(sorted(self._unnamed))
        self._flags += fresh
        self._named |= self._unnamed
        self._unnamed = frozenset()
        lines = [b"* FLAGS (%b)\r\n" % " ".join(self._flags).encode()]
        if flags.ANY_OTHER in self._settable:
            before = (flag for flag in self._settable if flag != flags.ANY_OTHER)
            self._settable = (*before, *fresh, flags.ANY_OTHER)
            told = " ".join(self._settable).encode()
            lines.append(b"* OK [PERMANENTFLAGS (%b)] flags that stay\r\n" % told)
        return lines

    def report_arrivals(self) -> list[bytes]:
        """EXISTS, when there are messages that the client does not count yet."""
        if len(self._uids) == self._told:
            return []
        self._told = len(self._uids)
        return [b"* %d EXISTS\r\n" % self._told]

    def report(self, *, expunges: bool, style: Style = PLAIN) -> list[bytes]:
        """Everything the client does not know yet; EXPUNGE or VANISHED only when ``expunges`` permits it."""
        if self.knows_all:
            self.settled_modseq = self.highest_modseq
            return []
        lines = self.report_flags() + self.report_arrivals()
        if self._moved or self._stepped:
            due = self._moved | self._stepped if style.modseq else self._moved
            lines += [self._line(uid, style) for uid in sorted(due - self._gone)]
            self._moved.clear()
            self._stepped.clear()
        if expunges and self._gone:
            lines += self._report_gone(style)
        if not self._gone:
            self.settled_modseq = self.highest_modseq
        return lines

    @property
    def knows_all(self) -> bool:
        """Whether there is nothing to tell, as with most commands."""
        owed = self._unnamed or self._moved or self._stepped or self._gone
        return not owed and len(self._uids) == self._told

    @property
    def owes_removals(self) -> bool:
        """Whether messages are gone that the client still counts."""
        return bool(self._gone)

    @property
    def owes_news(self) -> bool:
        """Whether flags or MODSEQs moved that the client has not heard of."""
        return bool(self._moved or self._stepped)

    def told_flags(self, uid: int) -> None:
        """A response that the client gets anyway carries the flags of ``uid``; its MODSEQ is still owed."""
        if uid in self._moved:
            self._moved.discard(uid)
            self._stepped.add(uid)

    def told_modseq(self, uid: int) -> None:
        """… and the MODSEQ of ``uid``."""
        self._stepped.discard(uid)

    def _line(self, uid: int, style: Style) -> bytes:
        """The UID comes along whatever the client asked for: AOSP drops a FETCH without one."""
        items = [b"UID %d" % uid]
        if uid in self._moved:
            items.append(b"FLAGS " + flags.write(self.flags(uid)))
        if style.modseq:
            items.append(b"MODSEQ (%d)" % self.modseq(uid))
        return b"* %d FETCH (%b)\r\n" % (self.number(uid), b" ".join(items))

    def _report_gone(self, style: Style) -> list[bytes]:
        """Highest number first, so that no line changes the meaning of the next."""
        if style.vanished:
            lines = [b"* VANISHED %b\r\n" % numbers.write(sorted(self._gone))]
        else:
            lines = [b"* %d EXPUNGE\r\n" % self.number(uid) for uid in sorted(self._gone, reverse=True)]
        self._part()
        self._uids = [uid for uid in self._uids if uid not in self._gone]
        for uid in self._gone:
            del self._states[uid]
        self._told = len(self._uids)
        self._gone.clear()
        return lines

    # Numbers

    def numbered(self, uids: Iterable[int]) -> Iterator[tuple[int, MessageState]]:
        """Sequence number and state of UIDs (ascending) that the view holds; neighbours cost no search."""
        held, states = self._uids, self._states
        at = -1
        for uid in uids:
            at += 1
            if at == len(held) or held[at] != uid:
                at = bisect_left(held, uid)
            yield at + 1, states[uid]

    def number(self, uid: int) -> int:
        """The sequence number of a UID that the view holds."""
        return bisect_left(self._uids, uid) + 1

    def flags(self, uid: int) -> Flags:
        """The flags of a UID that the view holds, as last adopted."""
        return self._states[uid].flags

    def modseq(self, uid: int) -> int:
        """The MODSEQ of a UID that the view holds, as last adopted."""
        return self._states[uid].modseq

    def state(self, uid: int) -> MessageState:
        """Both of them."""
        return self._states[uid]

    def changed_since(self, modseq: int, uids: Iterable[int]) -> list[int]:
        """Those of ``uids``, which the view holds, that moved after ``modseq``."""
        return [uid for uid in uids if self._states[uid].modseq > modseq]

    def carrying(self, flag: str, uids: Iterable[int]) -> list[int]:
        """Those of ``uids``, which the view holds, that carry ``flag`` (canonical)."""
        states = self._states
        if flag.startswith("\\"):
            return [uid for uid in uids if flag in states[uid].flags]
        return [uid for uid in uids if flags.carries(states[uid].flags, flag)]

    def vanished(self, chosen: NumberSet | None, expunged: Iterable[int]) -> bytes:
        """A set of the UIDs among ``expunged`` (any order) that the client never counted in this view.

        ``chosen`` limits it; ``*`` there is the last message of the view.  What the view counts is
        left to ``report``, which also corrects the client's numbering.  Empty when there is nothing.
        """
        gone = sorted(uid for uid in expunged if uid not in self._states)
        return numbers.write(gone if chosen is None else chosen.pick(gone, last=self._last))

    @property
    def _last(self) -> int:
        return self._uids[-1] if self._uids else 1

    def resolve(self, chosen: NumberSet, *, by_uid: bool) -> list[int]:
        """The UIDs, ascending, that a set of UIDs or of sequence numbers names.

        Numbers that do not exist are left out, and so are messages that are gone already.  A sequence
        number, ``*`` too, names only what the client was told of: it cannot mean anything else.
        """
        uids: Sequence[int]
        if chosen.saved:
            uids = [uid for uid in self.saved if uid in self._states]
        elif by_uid:
            uids = chosen.select(self._uids)
        else:
            uids = [
                uid for low, high in chosen.spans(self._told) for uid in self._uids[max(low, 1) - 1 : high]
            ]
        return self._present(uids)

    def uids(self) -> list[int]:
        """All UIDs, ascending, without those that are gone already."""
        return self._present(self._uids)

    def any_deleted(self) -> bool:
        """Whether a message is flagged ``\\\\Deleted``."""
        return any(flags.DELETED in self._states[uid].flags for uid in self.uids())

    def _present(self, uids: Sequence[int]) -> list[int]:
        return [uid for uid in uids if uid not in self._gone] if self._gone else list(uids)
