# SPDX-License-Identifier: Apache-2.0
"""A new subscriber chooses a language and closes the tutorial."""

from __future__ import annotations

import pytest

from tests.unit.services_world import ALICE, World
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus, Subscriber, SubscriberId
from vvm.services.provisioning import SubscriberOptions, UnknownLanguage
from vvm.services.settings import ServiceSettings

SERVED = ServiceSettings(imap_port=1143, languages=("fra", "eng"))
ON_VVM3 = SubscriberOptions(client=ClientProfile(dialect=Dialect.VVM3))
NOBODY = SubscriberId(4711)


# rows: LNG-01 LNG-02
async def test_a_language_is_one_of_those_that_status_tells() -> None:
    world = World(service=SERVED)
    subscriber = await world.subscriber()
    await world.languages.choose(subscriber.id, "ENG")
    assert (await world.current()).language == "eng"
    for other in ("deu", "", "5", "eng|fra"):
        with pytest.raises(UnknownLanguage):
            await world.languages.choose(subscriber.id, other)
    assert (await world.current()).language == "eng"


# rows: LNG-03
async def test_the_numbers_of_vvm3_are_taken_for_their_languages() -> None:
    world = World(service=SERVED)
    subscriber = await world.subscriber(options=ON_VVM3)
    await world.languages.choose(subscriber.id, "5")
    assert (await world.current()).language == "eng"
    await world.languages.choose(subscriber.id, "6")
    assert (await world.current()).language == "eng", "Spanish is not served: the language stays"
    with pytest.raises(UnknownLanguage):
        await world.languages.choose(subscriber.id, "7")


async def test_a_language_that_is_chosen_already_changes_nothing() -> None:
    world = World(service=SERVED)
    subscriber = await world.subscriber()
    await world.languages.choose(subscriber.id, subscriber.language)
    assert await world.current() == subscriber


# rows: NUT-02 PRV-02
async def test_a_closed_tutorial_makes_the_subscriber_ready_and_the_phone_hears_of_it() -> None:
    world = World()
    subscriber = await world.subscriber(ProvisioningStatus.NEW, options=SubscriberOptions(setup_done=False))
    await world.tutorial.close(subscriber.id)
    after = await world.current()
    assert (after.status, after.setup_done) == (ProvisioningStatus.READY, True)
    (text,) = await world.texts()
    assert text.startswith("//VVM:STATUS:st=R;rc=0;")


# rows: NUT-01
async def test_to_close_it_again_changes_nothing_and_tells_nobody() -> None:
    world = World()
    subscriber = await world.subscriber(ProvisioningStatus.NEW, options=SubscriberOptions(setup_done=False))
    await world.tutorial.close(subscriber.id)
    once = await world.current()
    assert [row.cause for row in await world.owed()] == [Cause.STATUS]
    await world.tutorial.close(subscriber.id)
    assert await world.current() == once
    assert len(await world.owed()) == 1


async def test_an_activation_after_it_leads_to_ready() -> None:
    world = World()
    subscriber = await world.subscriber(ProvisioningStatus.NEW, options=SubscriberOptions(setup_done=False))
    await world.tutorial.close(subscriber.id)
    await world.sms_from_handset("Deactivate:pv=12;ct=x")
    await world.sms_from_handset("Activate:pv=12;ct=x")
    assert (await world.current()).status is ProvisioningStatus.READY


async def test_who_is_gone_chooses_nothing() -> None:
    world = World()
    with pytest.raises(UnknownSubscriber):
        await world.languages.choose(NOBODY, "eng")
    with pytest.raises(UnknownSubscriber):
        await world.tutorial.close(NOBODY)


async def test_a_block_in_the_very_moment_of_the_closing_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    stale = await world.subscriber(ProvisioningStatus.NEW)
    await world.provisioning.change(ALICE, SubscriberOptions(blocked=True))
    read, reads = world.store.subscribers.by_id, []

    async def first_an_old_answer(subscriber: SubscriberId) -> Subscriber | None:
        reads.append(subscriber)
        return stale if len(reads) == 1 else await read(subscriber)

    monkeypatch.setattr(world.store.subscribers, "by_id", first_an_old_answer)
    await world.tutorial.close(stale.id)
    assert (await world.current()).status is ProvisioningStatus.BLOCKED
