# SPDX-License-Identifier: Apache-2.0
"""Which client gets which rights, and that nothing said of it is strict."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from imap_server.abilities import Filing
from imap_server.backend import Ended, FlagChange, FlagMode, NotAllowed
from tests.unit.audio_samples import wav
from tests.unit.imap_front import PEER, backend
from tests.unit.services_world import ALICE, World
from vvm.domain.message import GREETINGS, INBOX, Envelope, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ClientProfile, Dialect, Manners
from vvm.fronts.imap import OmtpSettings
from vvm.fronts.imap.account import FilingAccount, SubscriberAccount
from vvm.fronts.imap.profiles import PROFILES, Appends, manners_of, profile_of
from vvm.fronts.imap.vocabulary import Vocabulary
from vvm.services.login import Admitted
from vvm.services.provisioning import SubscriberOptions
from vvm.store.port import KeywordChange, Settlement

BY_TYPE = OmtpSettings(manners={"Acme": Manners.ANDROID, "Acme.Mail": Manners.MAIL})


@pytest.mark.parametrize(
    ("client", "manners"),
    [
        (ClientProfile(), Manners.STRICT),
        (ClientProfile(dialect=Dialect.CVVM), Manners.STRICT),
        (ClientProfile(dialect=Dialect.VVM3), Manners.STRICT),
        (ClientProfile(dialect=Dialect.APPLE), Manners.APPLE),
        (ClientProfile(client_type="Acme.Phone.1"), Manners.ANDROID),
        (ClientProfile(client_type="Acme.Mail.1"), Manners.MAIL),
        (ClientProfile(client_type="acme.mail"), Manners.STRICT),
        (ClientProfile(client_type="Acme.Mail", manners=Manners.VVMD), Manners.VVMD),
    ],
)
def test_a_client_is_what_was_said_of_it(client: ClientProfile, manners: Manners) -> None:
    assert manners_of(client, BY_TYPE) is manners


def test_every_kind_of_client_has_a_row() -> None:
    assert set(PROFILES) == set(Manners) - {Manners.LEARNED}


def test_the_table_that_operators_read_is_this_one() -> None:
    text = (Path(__file__).parents[2] / "docs/imap.md").read_text(encoding="utf-8")
    names = "|".join(manners.value for manners in PROFILES)
    lines = [line for line in text.splitlines() if re.match(rf"\| `({names})`", line)]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    told = {name: row for row in rows for name in re.findall("`([a-z]+)`", row[0])}
    assert set(told) == {manners.value for manners in PROFILES}
    for manners, profile in PROFILES.items():
        _, folders, flags, others, appends, status, metadata, commands = told[manners.value]
        assert folders.startswith("yes") is profile.files
        assert ("five" in flags or "as mail" in flags) is (Flags.FLAGGED in profile.flags)
        assert others == ("taken" if profile.any_keyword else "passed over" if profile.lenient else "refused")
        assert ("any message" in appends) is (profile.appends is Appends.MAIL)
        assert ("deposits" in appends) is (profile.appends is Appends.DEPOSITS)
        assert status == ("yes" if profile.greetings_status else "refused")
        assert metadata == ("yes" if profile.annotates else "no")
        assert commands == ("yes" if profile.commands else "no")


async def account_of(world: World, **client: object) -> SubscriberAccount | FilingAccount:
    options = SubscriberOptions(client=ClientProfile(**client))  # type: ignore[arg-type]  # a test's own words
    owner = await world.subscriber(options=options)
    password = world.keyring.open(owner.imap_user, owner.password_sealed)
    return await backend(world).login(owner.imap_user, password.reveal(), PEER)


@pytest.mark.parametrize("manners", list(PROFILES))
async def test_who_files_can_and_who_does_not_cannot(manners: Manners) -> None:
    account = await account_of(World(), manners=manners)
    assert isinstance(account, Filing) is PROFILES[manners].files
    assert {entry.name for entry in await account.list()} >= {INBOX, GREETINGS}
    if not PROFILES[manners].greetings_status:
        with pytest.raises(NotAllowed, match="command not allowed"):
            await account.status("greetings")
    inbox = await account.select(INBOX)
    assert inbox is not None
    if not PROFILES[manners].files:
        for transfer in (inbox.copy, inbox.move):
            with pytest.raises(NotAllowed, match="command not allowed"):
                await transfer([1], INBOX)


async def test_who_does_not_file_sees_no_folder_that_somebody_else_made() -> None:
    world = World()
    account = await account_of(world)
    await world.filing.create(account.opened.mailbox, "Work")
    assert [entry.name for entry in await account.list()] == [INBOX, GREETINGS]
    assert await account.select("Work") is None
    assert await account.status("Work") is None


async def test_a_folder_that_goes_while_it_is_selected_is_none_and_inbox_ends_the_session() -> None:
    world = World()
    account = await account_of(world, manners=Manners.MAIL)
    assert isinstance(account, FilingAccount)
    await account.create("Work")
    chosen = await account.select("Work")
    inbox = await account.select(INBOX)
    assert chosen is not None
    assert inbox is not None
    await account.delete("Work")
    with pytest.raises(NotAllowed, match="no such mailbox") as refusal:
        await chosen.snapshot()
    assert refusal.value.code == "NONEXISTENT"
    await world.provisioning.remove(ALICE)
    with pytest.raises(Ended):
        await inbox.snapshot()


async def test_apple_finds_its_trash_once() -> None:
    world = World()
    account = await account_of(world, dialect=Dialect.APPLE)
    again = await backend(world).login(
        account.opened.owner.imap_user,
        world.keyring.open(account.opened.owner.imap_user, account.opened.owner.password_sealed).reveal(),
        PEER,
    )
    trash = [(entry.name, entry.attributes) for entry in await again.list()][2:]
    assert trash == [("Trash", ("\\Trash",))]


async def test_a_device_has_the_manners_it_was_given_and_the_phone_is_told() -> None:
    world = World()
    phone = await account_of(world)
    await deposit(world)
    await drained(world)
    given = await world.devices.add(ALICE, name="Desk", profile="mail")
    desk = await backend(world).login(given.device.login, given.password.reveal(), PEER)
    assert isinstance(phone, SubscriberAccount)
    assert isinstance(desk, FilingAccount)
    for account, told in ((phone, []), (desk, [Cause.MAILBOX_UPDATE])):
        inbox = await account.select(INBOX)
        assert inbox is not None
        await inbox.store([1], FlagChange(FlagMode.ADD, frozenset({"\\Seen"})))
        await inbox.store([1], FlagChange(FlagMode.REMOVE, frozenset({"\\Seen"})))
        assert await drained(world) == told
    await desk.create("Work")
    assert await drained(world) == []
    inbox = await desk.select(INBOX)
    assert inbox is not None
    await inbox.move([1], "Work")
    assert await drained(world) == [Cause.MAILBOX_UPDATE]


async def test_a_profile_that_nobody_knows_is_strict() -> None:
    world = World()
    owner = (await account_of(world, manners=Manners.MAIL)).opened.owner
    given = await world.devices.add(ALICE, name="Desk", profile="mail")
    newer = msgspec.structs.replace(given.device, profile="of a later release")
    assert profile_of(Admitted(owner, newer), OmtpSettings()) == PROFILES[Manners.STRICT]
    silent = msgspec.structs.replace(given.device, profile="")
    assert profile_of(Admitted(owner, silent), OmtpSettings()) == PROFILES[Manners.MAIL]


async def deposit(world: World) -> None:
    await world.deposit(ALICE, wav(seconds=1.0), Envelope("+15551230001", datetime(2026, 3, 1, tzinfo=UTC)))


async def drained(world: World) -> list[Cause]:
    """What was owed since the last look; it has arrived, so the next one has its turn."""
    now = world.clock.now() + timedelta(hours=1)
    rows = await world.store.outbox.lease(now=now, lease=timedelta(days=9), limit=10)
    for row in rows:
        await world.store.outbox.settle(row, Settlement.DELIVERED, now=now)
    return [row.cause for row in rows]


MAIL = Vocabulary(Flags.SEEN, lenient=False, any_keyword=True)
STRICT = Vocabulary(Flags.SEEN, lenient=False)


def test_words_that_replace_clear_what_this_client_may_clear() -> None:
    replace = FlagChange(FlagMode.REPLACE, frozenset({"\\SEEN"}))
    assert STRICT.change(replace).keywords == KeywordChange(remove=frozenset())
    assert MAIL.change(replace).keywords == KeywordChange(remove=None)


@pytest.mark.parametrize("name", ["$Work", "$CNS-Greeting-On", "\\Deleted", "\\Custom"])
def test_the_strict_take_no_other_word(name: str) -> None:
    with pytest.raises(NotAllowed):
        STRICT.read({name})


@pytest.mark.parametrize("name", ["$cns-greeting-on", "\\Deleted", "\\Custom", "x" * 65])
def test_nor_does_a_mail_client_invent_system_flags(name: str) -> None:
    with pytest.raises(NotAllowed):
        MAIL.read({name})
    assert MAIL.read({"x" * 64, "\\seen"}).flags is Flags.SEEN
