# SPDX-License-Identifier: Apache-2.0
"""Messages and names of a mail client, as they come and as they are kept."""

from __future__ import annotations

import pytest

from tests.unit.services_world import NOW, World
from vvm.domain.errors import FolderStays
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.subscriber import Subscriber
from vvm.message.reader import Unreadable
from vvm.services.filing import Filed, UnfitFolderName

VOICE = b"Message-Context: voice-message\r\nContent-Duration: %b\r\nContent-Type: audio/amr\r\n\r\n#!AMR\r\n"


def filed(octets: bytes) -> Filed:
    return Filed(octets, Flags.SEEN, frozenset({"$Work"}), NOW)


async def kept(world: World, owner: Subscriber, octets: bytes) -> tuple[Kind, int]:
    (stored,) = await world.filing.append(owner, INBOX, [filed(octets)])
    (record,) = await world.store.mailboxes.messages(owner.mailbox, INBOX, [stored.uid])
    assert (record.flags, record.keywords) == (Flags.SEEN, {"$Work"})
    assert await world.store.mailboxes.octets(owner.mailbox, INBOX, stored.uid) == octets
    return record.kind, record.seconds


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"Subject: minutes\r\n\r\nAll present.\r\n", (Kind.MAIL, 0)),
        (VOICE % b"12", (Kind.VOICE, 12)),
        (VOICE % b"long", (Kind.VOICE, 0)),
        (VOICE % b"999999999999", (Kind.VOICE, 0)),
        (VOICE % b"99999999", (Kind.VOICE, 86_400)),
        (VOICE.replace(b"audio/amr", b"text/plain") % b"12", (Kind.MAIL, 0)),
    ],
)
async def test_a_voice_message_that_comes_back_is_one_again(
    octets: bytes, expected: tuple[Kind, int]
) -> None:
    world = World()
    assert await kept(world, await world.subscriber(), octets) == expected


async def test_a_message_beyond_the_limits_keeps_the_others_out_too() -> None:
    world = World()
    owner = await world.subscriber()
    with pytest.raises(Unreadable):
        await world.filing.append(owner, INBOX, [filed(b"A: b\r\n\r\n"), filed(b"X: " + b"x" * 70_000)])
    assert await world.store.mailboxes.states(owner.mailbox, INBOX) == []


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "a*", "%", "a\x07", "a\u200e", "/".join("abcdefghijk"), "x" * 41]
)
async def test_names_that_no_folder_may_have(name: str) -> None:
    world = World()
    owner = await world.subscriber()
    for call in (
        world.filing.create(owner.mailbox, name),
        world.filing.rename(owner.mailbox, "Work", name),
        world.filing.subscribe(owner.mailbox, name, wanted=True),
    ):
        with pytest.raises(UnfitFolderName):
            await call


async def test_the_two_fixed_folders_are_written_in_any_case() -> None:
    world = World()
    owner = await world.subscriber()
    await world.filing.create(owner.mailbox, "inbox/Sub")
    await world.filing.create(owner.mailbox, "GREETINGS/Old")
    names = [entry.name for entry in await world.store.folders.all(owner.mailbox)]
    assert names == [INBOX, GREETINGS, "INBOX/Sub", "Greetings/Old"]
    for transfer in (world.filing.copy, world.filing.move):
        with pytest.raises(FolderStays):
            await transfer(owner, INBOX, [1], "greetings")


async def test_who_has_all_the_folders_it_may_have_is_provided_with_no_other() -> None:
    world = World()
    owner = await world.subscriber()
    await world.filing.create(owner.mailbox, "a/b/c/d/e")
    await world.filing.provide(owner.mailbox, "Trash", special_use="\\Trash")
    names = [entry.name for entry in await world.store.folders.all(owner.mailbox)]
    assert "Trash" not in names
