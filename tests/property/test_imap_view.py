# SPDX-License-Identifier: Apache-2.0
"""The view against a naive model: whatever happens in the mailbox, the client's numbering stays right.

The model is a client that believes exactly what it is told, beside the list of messages that
truly exist.
"""

from __future__ import annotations

import re

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imap_server.backend import Changes, FlagChange, FlagMode, Flags, MessageState, Snapshot
from imap_server.view import View
from imap_server.wire.numbers import STAR, NumberSet

EVERYTHING = NumberSet(((1, STAR),))
FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged"]))
_LINE = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH \(UID (\d+) FLAGS \((.*)\)\))\r\n")


class ClientAndMailbox(RuleBasedStateMachine):
    """Rules are what other sessions do and when the client is told."""

    def __init__(self) -> None:
        super().__init__()
        self.modseq = 1
        self.uid_next = 1
        self.mailbox: dict[int, MessageState] = {}
        self.journal: list[tuple[int, int]] = []
        self.believed: list[int | None] = []
        self.believed_flags: dict[int, Flags] = {}
        self.view = View(Snapshot(1, 1, 1, (), (), ()))

    @rule(carried=FLAGS)
    def deposit(self, carried: Flags) -> None:
        self.modseq += 1
        self.mailbox[self.uid_next] = MessageState(self.uid_next, carried, self.modseq)
        self.uid_next += 1

    @precondition(lambda self: self.mailbox)
    @rule(data=st.data(), carried=FLAGS)
    def change_flags(self, data: st.DataObject, carried: Flags) -> None:
        uid = data.draw(st.sampled_from(sorted(self.mailbox)))
        self.modseq += 1
        self.mailbox[uid] = MessageState(uid, carried, self.modseq)

    @precondition(lambda self: self.mailbox)
    @rule(data=st.data())
    def expunge(self, data: st.DataObject) -> None:
        uid = data.draw(st.sampled_from(sorted(self.mailbox)))
        self.modseq += 1
        del self.mailbox[uid]
        self.journal.append((self.modseq, uid))

    @rule()
    def refresh(self) -> None:
        since = self.view.highest_modseq
        self.view.adopt(
            Changes(
                highest_modseq=self.modseq,
                uid_next=self.uid_next,
                changed=[state for state in self.mailbox.values() if state.modseq > since],
                expunged=[uid for modseq, uid in self.journal if modseq > since],
            )
        )

    @rule(expunges=st.booleans())
    def tell(self, *, expunges: bool) -> None:
        for line in self.view.report(expunges=expunges):
            found = _LINE.fullmatch(line)
            assert found, line
            number = int(found[1])
            if found[2] == b"EXISTS":
                assert number > len(self.believed)
                self.believed += [None] * (number - len(self.believed))
            elif found[2] == b"EXPUNGE":
                assert expunges
                del self.believed[number - 1]
            else:
                assert self.believed[number - 1] in {None, int(found[3])}
                self.believed[number - 1] = int(found[3])
                self.believed_flags[int(found[3])] = frozenset(found[4].decode().split())

    @precondition(lambda self: self.view.uids())
    @rule(data=st.data(), carried=FLAGS, silent=st.booleans())
    def store(self, data: st.DataObject, carried: Flags, *, silent: bool) -> None:
        uid = data.draw(st.sampled_from(self.view.uids()))
        if uid not in self.mailbox:
            return
        change = FlagChange(FlagMode.ADD, carried)
        after = self.mailbox[uid].flags | carried
        if after != self.mailbox[uid].flags:
            self.modseq += 1
            self.mailbox[uid] = MessageState(uid, after, self.modseq)
        if silent and uid in self.believed_flags:
            self.believed_flags[uid] |= carried
        self.view.adopt_stored([self.mailbox[uid]], change, silent=silent)

    @rule()
    def the_client_fetches_all_uids(self) -> None:
        self.refresh()
        self.tell(expunges=False)
        for uid in self.view.resolve(EVERYTHING, by_uid=False):
            number = self.view.number(uid)
            assert self.believed[number - 1] in {None, uid}
            self.believed[number - 1] = uid
            self.believed_flags[uid] = self.view.flags(uid)
            self.view.told_flags(uid)

    @rule()
    def after_everything_was_told_the_client_knows_the_truth(self) -> None:
        self.refresh()
        self.tell(expunges=True)
        assert len(self.believed) == len(self.mailbox)
        for believed, uid in zip(self.believed, sorted(self.mailbox), strict=True):
            assert believed in {None, uid}
            assert self.believed_flags.get(uid, self.mailbox[uid].flags) == self.mailbox[uid].flags

    @invariant()
    def the_view_counts_no_fewer_than_the_client(self) -> None:
        assert self.view.exists >= len(self.believed)


TestView = ClientAndMailbox.TestCase
TestView.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
