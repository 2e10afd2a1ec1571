# SPDX-License-Identifier: Apache-2.0
"""A SELECT from what another session left is the same as one from the store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from imap_server.backend import Changes, FlagChange, FlagMode, Flags, MessageState, Roster, Snapshot
from imap_server.view import View
from tests.contract.samples import ALICE, BOB, NOW, new_message, new_subscriber
from vvm.domain import message as domain
from vvm.domain.message import INBOX
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId
from vvm.fronts.imap.rosters import Rosters, state_of
from vvm.store.port import Store
from vvm.store.sqlite import open_sqlite

CAROL = Msisdn("+33612345680")
SEEN: Flags = frozenset({"\\Seen"})
NONE: Flags = frozenset()
FLAGS = st.sampled_from([SEEN, NONE])
UIDS = st.integers(1, 8)
NOTHING = domain.Flags(0)
STORE_SEEN = FlagChange(FlagMode.ADD, SEEN)


def roster(messages: Iterable[tuple[int, Flags]]) -> Roster:
    return Roster(MessageState(uid, flags, 1) for uid, flags in messages)


@given(
    before=st.dictionaries(UIDS, FLAGS),
    flagged=st.dictionaries(UIDS, FLAGS),
    gone=st.sets(UIDS),
    new=st.lists(FLAGS, max_size=3),
    looked=st.booleans(),
)
def test_what_moved_makes_the_roster_that_the_store_would_give(
    before: dict[int, Flags], flagged: dict[int, Flags], gone: set[int], new: list[Flags], *, looked: bool
) -> None:
    first = roster(sorted(before.items()))
    if looked:
        first.first_unseen()
    kept = {uid: flags for uid, flags in before.items() if uid not in gone}
    changed = {uid: flags for uid, flags in flagged.items() if uid in kept} | dict(enumerate(new, 9))
    second = first.after(
        [MessageState(uid, flags, 1) for uid, flags in sorted(changed.items())], sorted(gone)
    )
    expected = roster(sorted((kept | changed).items()))
    assert (second.uids, second.states) == (expected.uids, expected.states)
    assert second.first_unseen() == expected.first_unseen()
    assert first.uids == sorted(before)


def test_sessions_that_share_a_roster_do_not_see_each_other() -> None:
    shared = Snapshot(1, 4, 1, (), (), roster([(1, NONE), (2, NONE), (3, NONE)]))
    one, other = View(shared), View(shared)
    one.adopt_stored([MessageState(2, SEEN, 2)], STORE_SEEN, silent=False)
    one.adopt(Changes(highest_modseq=3, uid_next=5, changed=[MessageState(4, NONE, 3)], expunged=[1]))
    one.report(expunges=True)
    assert one.uids() == [2, 3, 4]
    assert other.uids() == [1, 2, 3]
    assert other.flags(2) == NONE
    assert list(shared.messages.uids) == [1, 2, 3]


async def shown(rosters: Rosters, store: Store, mailbox: MailboxId) -> dict[int, Flags]:
    """What a SELECT shows, held against what the store says without anybody's memory."""
    present = await rosters.present(store.mailboxes, mailbox, INBOX)
    fresh = await store.mailboxes.snapshot(mailbox, INBOX)
    assert present is not None
    assert fresh is not None
    folder, roster = present
    assert folder == fresh.folder
    assert list(roster.states.values()) == list(map(state_of, fresh.messages))
    return {uid: state.flags for uid, state in roster.states.items()}


async def test_each_worker_shows_what_the_other_one_changed(tmp_path: Path) -> None:
    path = tmp_path / "vvm.db"
    async with open_sqlite(path) as here, open_sqlite(path) as there:
        ours, theirs = Rosters(), Rosters()
        box = (await here.subscribers.create(new_subscriber())).mailbox

        async def both() -> dict[int, Flags]:
            seen_here, seen_there = await shown(ours, here, box), await shown(theirs, there, box)
            assert seen_here == seen_there
            return seen_here

        assert await both() == {}
        for _ in range(3):
            await there.mailboxes.append(box, INBOX, new_message())
        assert await both() == {1: NONE, 2: NONE, 3: NONE}
        await here.mailboxes.change_flags(box, INBOX, [2], add=domain.Flags.SEEN, remove=NOTHING)
        assert await both() == {1: NONE, 2: SEEN, 3: NONE}
        await there.mailboxes.change_flags(box, INBOX, [1], add=domain.Flags.DELETED, remove=NOTHING)
        await there.mailboxes.expunge(box, INBOX, None)
        assert await both() == {2: SEEN, 3: NONE}


async def test_a_mailbox_that_is_gone_is_not_shown_from_memory(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "vvm.db") as store:
        rosters = Rosters()
        alice = await store.subscribers.create(new_subscriber())
        assert await shown(rosters, store, alice.mailbox) == {}
        await store.subscribers.remove(ALICE, at=NOW)
        assert await rosters.present(store.mailboxes, alice.mailbox, INBOX) is None
        assert (alice.mailbox, INBOX) not in rosters


async def test_the_longest_unused_is_forgotten_first_and_the_last_one_never(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "vvm.db") as store:
        people = [await store.subscribers.create(new_subscriber(number)) for number in (ALICE, BOB, CAROL)]
        boxes = [person.mailbox for person in people]
        for box in boxes:
            await store.mailboxes.append(box, INBOX, new_message())
        rosters = Rosters(most_messages=5)
        for box in (boxes[0], boxes[1], boxes[0], boxes[2]):
            await shown(rosters, store, box)
        assert [(box, INBOX) in rosters for box in boxes] == [True, False, True]
        for _ in range(6):
            await store.mailboxes.append(boxes[1], INBOX, new_message())
        await shown(rosters, store, boxes[1])
        assert [(box, INBOX) in rosters for box in boxes] == [False, True, False]
