# SPDX-License-Identifier: Apache-2.0
"""What clients keep beside the messages: annotations of a mailbox and of its folders."""

from __future__ import annotations

import pytest

from tests.contract.samples import ALICE, BOB, NOW, new_subscriber
from vvm.domain.errors import TooManyAnnotations, UnknownFolder
from vvm.domain.message import INBOX
from vvm.domain.subscriber import MailboxId
from vvm.store.port import Annotation, Store

MOST = 4
WHOLE = ""


@pytest.fixture
async def box(store: Store) -> MailboxId:
    subscriber = await store.subscribers.create(new_subscriber())
    await store.folders.create(subscriber.mailbox, "Work/Old", at=NOW, most=5)
    return subscriber.mailbox


async def annotate(store: Store, box: MailboxId, folder: str, **values: bytes | None) -> None:
    named = {f"/private/{name}": value for name, value in values.items()}
    await store.folders.annotate(box, folder, named, most=MOST)


async def found(store: Store, box: MailboxId, folder: str) -> dict[str, bytes]:
    names = {}
    for each in await store.folders.annotations(box, folder):
        names[each.name.removeprefix("/private/")] = each.value
    return names


async def test_there_are_none_at_first(store: Store, box: MailboxId) -> None:
    for folder in (WHOLE, INBOX, "Work", "Nowhere"):
        assert list(await store.folders.annotations(box, folder)) == []


async def test_each_folder_and_the_mailbox_have_their_own(store: Store, box: MailboxId) -> None:
    await annotate(store, box, WHOLE, comment=b"all")
    await annotate(store, box, INBOX, comment=b"in \x00\xff", other=b"")
    assert await found(store, box, WHOLE) == {"comment": b"all"}
    assert await found(store, box, INBOX) == {"comment": b"in \x00\xff", "other": b""}
    assert await found(store, box, "Work") == {}


async def test_names_compare_without_case_and_keep_their_last_spelling(store: Store, box: MailboxId) -> None:
    await annotate(store, box, INBOX, comment=b"1", zebra=b"2")
    await annotate(store, box, INBOX, Comment=b"3", Another=b"4")
    assert list(await store.folders.annotations(box, INBOX)) == [
        Annotation("/private/Another", b"4"),
        Annotation("/private/Comment", b"3"),
        Annotation("/private/zebra", b"2"),
    ]


async def test_none_removes_what_is_there_and_minds_nothing_else(store: Store, box: MailboxId) -> None:
    await annotate(store, box, INBOX, comment=b"1")
    await annotate(store, box, INBOX, COMMENT=None, absent=None, new=b"2")
    assert await found(store, box, INBOX) == {"new": b"2"}


async def test_all_folders_share_one_limit_and_a_change_is_whole_or_not_at_all(
    store: Store, box: MailboxId
) -> None:
    await annotate(store, box, WHOLE, a=b"1", b=b"2")
    await annotate(store, box, INBOX, c=b"3")
    with pytest.raises(TooManyAnnotations, match="at most 4"):
        await annotate(store, box, "Work", a=b"4", d=b"5")
    assert await found(store, box, "Work") == {}
    await annotate(store, box, "Work", d=b"4")
    await annotate(store, box, "Work", d=None, e=b"5")
    assert await found(store, box, "Work") == {"e": b"5"}


async def test_who_has_more_than_a_lowered_limit_may_still_change_and_remove(
    store: Store, box: MailboxId
) -> None:
    await annotate(store, box, INBOX, a=b"1", b=b"2", c=b"3")
    await store.folders.annotate(box, INBOX, {"/private/a": b"4", "/private/b": None}, most=1)
    assert await found(store, box, INBOX) == {"a": b"4", "c": b"3"}
    with pytest.raises(TooManyAnnotations):
        await store.folders.annotate(box, INBOX, {"/private/d": b"5"}, most=1)


async def test_they_stay_with_a_folder_that_is_renamed_and_go_with_it(store: Store, box: MailboxId) -> None:
    await annotate(store, box, "Work/Old", comment=b"1")
    await annotate(store, box, INBOX, comment=b"2")
    await store.folders.rename(box, "Work", "Done", at=NOW, most=5)
    assert await found(store, box, "Done/Old") == {"comment": b"1"}
    await store.folders.rename(box, INBOX, "Kept", at=NOW, most=5)
    assert (await found(store, box, INBOX), await found(store, box, "Kept")) == ({"comment": b"2"}, {})
    await store.folders.delete(box, "Done/Old")
    await store.folders.create(box, "Done/Old", at=NOW, most=5)
    assert await found(store, box, "Done/Old") == {}
    await annotate(store, box, WHOLE, a=b"1", b=b"2", c=b"3")


async def test_a_folder_that_is_not_there_is_said(store: Store, box: MailboxId) -> None:
    with pytest.raises(UnknownFolder):
        await annotate(store, box, "Nowhere", comment=b"1")


async def test_they_go_with_the_subscriber_and_are_nobody_elses(store: Store, box: MailboxId) -> None:
    other = await store.subscribers.create(new_subscriber(BOB))
    await annotate(store, box, INBOX, comment=b"1")
    assert await found(store, other.mailbox, INBOX) == {}
    await store.subscribers.remove(ALICE, at=NOW)
    assert await found(store, box, INBOX) == {}
    with pytest.raises(UnknownFolder):
        await annotate(store, box, WHOLE, comment=b"1")
