# SPDX-License-Identifier: Apache-2.0
"""Several views of one mailbox against a naive model: every client's numbering and memory stay right.

The model is the list of messages that truly exist, and clients that believe exactly what they are
told: each in its own style (RFC 3501, CONDSTORE, QRESYNC), each at its own moments.
"""

from __future__ import annotations

import re

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from imap_server.backend import Changes, FlagChange, FlagMode, Flags, MessageState, Roster, Snapshot
from imap_server.view import Style, View
from imap_server.wire import numbers
from imap_server.wire.numbers import STAR, NumberSet

EVERYTHING = NumberSet(((1, STAR),))
FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged"]))
STYLES = st.sampled_from([Style(), Style(modseq=True), Style(modseq=True, vanished=True)])
CLIENTS = st.integers(min_value=0, max_value=2)
_EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n")
_EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE\r\n")
_VANISHED = re.compile(rb"\* VANISHED ([0-9:,]+)\r\n")
_FLAGS = re.compile(rb"\* FLAGS \((.*)\)\r\n")
_FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+)(?: FLAGS \((.*?)\))?(?: MODSEQ \((\d+)\))?\)\r\n")


class Mailbox:
    """What truly is, and the journal of how it came about."""

    def __init__(self) -> None:
        self.modseq = 1
        self.uid_next = 1
        self.messages: dict[int, MessageState] = {}
        self.expunged: list[tuple[int, int]] = []
        self.forgotten = 0

    def put(self, uid: int, flags: Flags) -> None:
        self.modseq += 1
        self.messages[uid] = MessageState(uid, flags, self.modseq)

    def remove(self, uid: int) -> None:
        self.modseq += 1
        del self.messages[uid]
        self.expunged.append((self.modseq, uid))

    def snapshot(self) -> Snapshot:
        states = [self.messages[uid] for uid in sorted(self.messages)]
        return Snapshot(1, self.uid_next, self.modseq, (), (), Roster(states))

    def changes(self, since: int) -> Changes:
        return Changes(
            highest_modseq=self.modseq,
            uid_next=self.uid_next,
            changed=[state for state in self.messages.values() if state.modseq > since],
            expunged=[uid for modseq, uid in self.expunged if modseq > since]
            if since >= self.forgotten
            else [uid for uid in range(1, self.uid_next) if uid not in self.messages],
        )


class Client:
    """Believes what it is told; ``numbered`` is None where it has not heard the UID."""

    def __init__(self, mailbox: Mailbox, style: Style) -> None:
        self.style = style
        self.view = View(mailbox.snapshot())
        self.numbered: list[int | None] = list(self.view.uids())
        self.named: frozenset[str] = frozenset()
        self.flags = {uid: self.view.flags(uid) for uid in self.view.uids()}
        self.modseqs = {uid: self.view.modseq(uid) for uid in self.view.uids()}
        self.highest = self.view.highest_modseq
        self.seen = self.highest

    def hear(self, line: bytes, *, expunges: bool) -> None:
        if found := _EXISTS.fullmatch(line):
            assert int(found[1]) > len(self.numbered)
            self.numbered += [None] * (int(found[1]) - len(self.numbered))
        elif found := _EXPUNGE.fullmatch(line):
            assert expunges
            assert not self.style.vanished
            self._forget(int(found[1]))
        elif found := _VANISHED.fullmatch(line):
            assert expunges
            assert self.style.vanished
            self._vanish(numbers.read(found[1]))
        elif found := _FLAGS.fullmatch(line):
            before, self.named = self.named, frozenset(found[1].decode().split())
            assert before < self.named
        else:
            found = _FETCH.fullmatch(line)
            assert found, line
            self._learn(int(found[1]), int(found[2]), found[3], found[4])

    def tagged(self) -> None:
        """A command ended: which MODSEQ to come back from (RFC 7162 section 6)."""
        owed = self.view.owes_removals
        self.highest = self.view.settled_modseq if owed else max(self.highest, self.seen)
        self.seen = self.highest

    def _learn(self, number: int, uid: int, flags: bytes | None, modseq: bytes | None) -> None:
        assert self.numbered[number - 1] in {None, uid}
        assert (modseq is not None) == self.style.modseq
        self.numbered[number - 1] = uid
        if flags is not None:
            self.flags[uid] = frozenset(flags.decode().split())
            assert self.flags[uid] <= self.named
        if modseq is not None:
            self.modseqs[uid] = int(modseq)
            self.seen = max(self.seen, int(modseq))

    def _forget(self, number: int) -> None:
        uid = self.numbered.pop(number - 1)
        if uid is not None:
            self.flags.pop(uid, None)
            self.modseqs.pop(uid, None)

    def _vanish(self, gone: NumberSet) -> None:
        """UIDs ascend, so even one that was never heard has a place (RFC 7162 section 3.2.10)."""
        for uid in gone.select(range(1, 1000)):
            places = [
                place
                for place, known in enumerate(self.numbered, 1)
                if known == uid
                or (
                    known is None
                    and all(below < uid for below in self.numbered[: place - 1] if below is not None)
                    and all(above > uid for above in self.numbered[place:] if above is not None)
                )
            ]
            assert places
            self._forget(places[0])


class ClientsAndMailbox(RuleBasedStateMachine):
    """Rules are what happens to the mailbox, and when each client is told."""

    @initialize(styles=st.tuples(STYLES, STYLES, STYLES), first=st.integers(min_value=0, max_value=3))
    def open(self, styles: tuple[Style, Style, Style], first: int) -> None:
        self.mailbox = Mailbox()
        for _ in range(first):
            self.deposit(frozenset())
        self.clients = [Client(self.mailbox, style) for style in styles]

    @rule(carried=FLAGS)
    def deposit(self, carried: Flags) -> None:
        self.mailbox.put(self.mailbox.uid_next, carried)
        self.mailbox.uid_next += 1

    @precondition(lambda self: self.mailbox.messages)
    @rule(data=st.data(), carried=FLAGS)
    def change_flags(self, data: st.DataObject, carried: Flags) -> None:
        self.mailbox.put(data.draw(st.sampled_from(sorted(self.mailbox.messages))), carried)

    @precondition(lambda self: self.mailbox.messages)
    @rule(data=st.data())
    def expunge(self, data: st.DataObject) -> None:
        self.mailbox.remove(data.draw(st.sampled_from(sorted(self.mailbox.messages))))

    @rule()
    def forget_the_journal(self) -> None:
        self.mailbox.forgotten = self.mailbox.modseq

    @rule(which=CLIENTS)
    def refresh(self, which: int) -> None:
        view = self.clients[which].view
        view.adopt(self.mailbox.changes(view.highest_modseq))

    @rule(which=CLIENTS, expunges=st.booleans())
    def tell(self, which: int, *, expunges: bool) -> None:
        client = self.clients[which]
        for line in client.view.report(expunges=expunges, style=client.style):
            client.hear(line, expunges=expunges)
        client.tagged()

    @rule(which=CLIENTS, data=st.data(), carried=FLAGS, silent=st.booleans(), stale=st.booleans())
    def store(self, which: int, data: st.DataObject, carried: Flags, *, silent: bool, stale: bool) -> None:
        """Conditional when ``stale``: nothing is changed that moved after what the view knows."""
        client = self.clients[which]
        uids = [uid for uid in client.view.uids() if uid in self.mailbox.messages]
        if not uids:
            return
        uid = data.draw(st.sampled_from(uids))
        held = self.mailbox.messages[uid]
        if stale and held.modseq > client.view.highest_modseq:
            client.view.adopt_stored([], FlagChange(FlagMode.ADD, carried), silent=silent)
            return
        if held.flags | carried != held.flags:
            self.mailbox.put(uid, held.flags | carried)
        if silent and uid in client.flags:
            client.flags[uid] |= carried
        change = FlagChange(FlagMode.ADD, carried)
        client.view.adopt_stored([self.mailbox.messages[uid]], change, silent=silent)
        if client.style.modseq:
            self.refresh(which)
        self.tell(which, expunges=False)

    @rule(which=CLIENTS, with_modseq=st.booleans())
    def the_client_fetches_all_flags(self, which: int, *, with_modseq: bool) -> None:
        """As FETCH does: arrivals first, then what was asked, then the rest of the news."""
        self.refresh(which)
        client = self.clients[which]
        for line in client.view.report_arrivals():
            client.hear(line, expunges=False)
        for uid in client.view.resolve(EVERYTHING, by_uid=False):
            number = client.view.number(uid)
            assert client.numbered[number - 1] in {None, uid}
            client.numbered[number - 1] = uid
            client.flags[uid] = client.view.flags(uid)
            client.view.told_flags(uid)
            if with_modseq:
                client.modseqs[uid] = client.view.modseq(uid)
                client.seen = max(client.seen, client.view.modseq(uid))
                client.view.told_modseq(uid)
        self.tell(which, expunges=False)

    @rule(which=CLIENTS)
    def after_everything_was_told_the_client_knows_the_truth(self, which: int) -> None:
        self.refresh(which)
        self.tell(which, expunges=True)
        client, truth = self.clients[which], self.mailbox.messages
        assert len(client.numbered) == len(truth)
        for believed, uid in zip(client.numbered, sorted(truth), strict=True):
            assert believed in {None, uid}
            assert client.flags.get(uid, truth[uid].flags) == truth[uid].flags
            if client.style.modseq:
                assert client.modseqs.get(uid, truth[uid].modseq) == truth[uid].modseq

    @rule(which=CLIENTS)
    def who_breaks_off_and_comes_back_learns_what_happened(self, which: int) -> None:
        """SELECT with QRESYNC after any command, all or nothing told (RFC 7162 sections 3.2.5 and 6)."""
        client = self.clients[which]
        if client.style.vanished:
            remembered = {uid: client.flags[uid] for uid in client.numbered if uid in client.flags}
            view = View(self.mailbox.snapshot())
            gone = view.vanished(None, self.mailbox.changes(client.highest).expunged)
            if gone:
                for uid in numbers.read(gone).select(sorted(remembered)):
                    del remembered[uid]
            for uid in view.changed_since(client.highest, view.uids()):
                remembered[uid] = view.flags(uid)
            for uid, flags in remembered.items():
                assert flags == self.mailbox.messages[uid].flags
        self.clients[which] = Client(self.mailbox, client.style)

    @invariant()
    def no_view_counts_fewer_than_its_client(self) -> None:
        for client in getattr(self, "clients", ()):
            assert client.view.exists >= len(client.numbered)


TestViews = ClientsAndMailbox.TestCase
TestViews.settings = settings(max_examples=60, stateful_step_count=30)
