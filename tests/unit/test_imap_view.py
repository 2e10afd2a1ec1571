# SPDX-License-Identifier: Apache-2.0
"""The view: who has been told what, and when EXPUNGE may be said."""

from __future__ import annotations

from imap_server.backend import Changes, FlagChange, FlagMode, Flags, MessageState, Roster, Snapshot
from imap_server.view import View
from imap_server.wire import numbers

SEEN: Flags = frozenset({"\\Seen"})
FLAGGED: Flags = frozenset({"\\Flagged"})
NONE: Flags = frozenset()
MARK_SEEN = FlagChange(FlagMode.ADD, SEEN)


def view(*uids: int, permanent: tuple[str, ...] = (), read_only: bool = False) -> View:
    return View(
        Snapshot(
            uid_validity=7,
            uid_next=max(uids, default=0) + 1,
            highest_modseq=10,
            flags=("\\Seen", "\\Flagged"),
            permanent_flags=permanent,
            messages=Roster(MessageState(uid, NONE, 10) for uid in uids),
        ),
        read_only=read_only,
    )


def changes(*changed: MessageState, expunged: tuple[int, ...] = (), modseq: int = 11) -> Changes:
    return Changes(highest_modseq=modseq, uid_next=99, changed=changed, expunged=expunged)


def test_what_was_snapshot_needs_no_report() -> None:
    assert view(41, 42).report(expunges=True) == []


def test_an_expunged_message_keeps_its_number_until_it_may_be_said() -> None:
    seen = view(41, 42, 43)
    seen.adopt(changes(expunged=(42,)))
    assert seen.report(expunges=False) == []
    assert seen.number(43) == 3
    assert seen.resolve(numbers.read(b"1:3"), by_uid=False) == [41, 43]
    assert seen.report(expunges=True) == [b"* 2 EXPUNGE\r\n"]
    assert seen.number(43) == 2


def test_expunges_are_said_from_the_highest_number_down() -> None:
    seen = view(41, 42, 43)
    seen.adopt(changes(expunged=(41, 43)))
    assert seen.report(expunges=True) == [b"* 3 EXPUNGE\r\n", b"* 1 EXPUNGE\r\n"]
    assert seen.exists == 1


def test_a_keyword_that_is_new_is_named_once_before_a_message_carries_it() -> None:
    seen = view(41, permanent=("\\Seen", "\\*"))
    seen.adopt(changes(MessageState(41, frozenset({"$Work", "$Home"}), 11)))
    assert seen.report(expunges=False) == [
        b"* FLAGS (\\Seen \\Flagged $Home $Work)\r\n",
        b"* OK [PERMANENTFLAGS (\\Seen $Home $Work \\*)] flags that stay\r\n",
        b"* 1 FETCH (UID 41 FLAGS ($Home $Work))\r\n",
    ]
    seen.adopt_stored([MessageState(41, frozenset({"$Work"}), 12)], MARK_SEEN, silent=True)
    assert seen.report(expunges=False) == [b"* 1 FETCH (UID 41 FLAGS ($Work))\r\n"]


def test_who_may_not_set_it_hears_only_that_it_is_there() -> None:
    for seen in (view(41, permanent=("\\Seen",)), view(41, permanent=("\\Seen", "\\*"), read_only=True)):
        seen.adopt(changes(MessageState(42, frozenset({"$Work"}), 11)))
        assert seen.report_flags() == [b"* FLAGS (\\Seen \\Flagged $Work)\r\n"]
        assert seen.report(expunges=False) == [b"* 2 EXISTS\r\n"]


def test_new_messages_are_one_exists() -> None:
    seen = view(41)
    seen.adopt(changes(MessageState(44, NONE, 11), MessageState(45, NONE, 12), modseq=12))
    assert seen.report(expunges=True) == [b"* 3 EXISTS\r\n"]
    assert seen.report(expunges=True) == []


def test_a_message_that_came_and_went_untold_leaves_numbers_right() -> None:
    seen = view(41)
    seen.adopt(changes(MessageState(44, NONE, 11), MessageState(45, NONE, 13), expunged=(44,), modseq=13))
    assert seen.report(expunges=True) == [b"* 3 EXISTS\r\n", b"* 2 EXPUNGE\r\n"]
    assert seen.number(45) == 2


def test_flags_that_others_changed_are_said_once() -> None:
    seen = view(41, 42)
    seen.adopt(changes(MessageState(42, SEEN, 11)))
    assert seen.report(expunges=False) == [b"* 2 FETCH (UID 42 FLAGS (\\Seen))\r\n"]
    assert seen.report(expunges=False) == []


def test_flags_that_the_client_gets_anyway_are_not_said_again() -> None:
    seen = view(41)
    seen.adopt(changes(MessageState(41, SEEN, 11)))
    seen.told_flags(41)
    assert seen.report(expunges=False) == []


def test_a_silent_store_is_not_said() -> None:
    seen = view(41)
    seen.adopt_stored([MessageState(41, SEEN, 11)], MARK_SEEN, silent=True)
    seen.adopt(changes(MessageState(41, SEEN, 11)))
    assert seen.report(expunges=False) == []


def test_a_silent_store_that_met_another_change_is_said() -> None:
    seen = view(41)
    seen.adopt_stored([MessageState(41, SEEN | FLAGGED, 12)], MARK_SEEN, silent=True)
    assert seen.report(expunges=False) == [b"* 1 FETCH (UID 41 FLAGS (\\Flagged \\Seen))\r\n"]


def test_a_store_is_said_even_when_nothing_moved() -> None:
    seen = view(41)
    seen.adopt_stored([MessageState(41, NONE, 10)], MARK_SEEN, silent=False)
    assert seen.report(expunges=False) == [b"* 1 FETCH (UID 41 FLAGS ())\r\n"]


def test_a_store_does_not_hide_earlier_changes_of_others() -> None:
    seen = view(41, 42)
    seen.adopt_stored([MessageState(41, SEEN, 12)], MARK_SEEN, silent=True)
    assert seen.highest_modseq == 10
