# SPDX-License-Identifier: Apache-2.0
"""Who may subscribe by itself: whose handset was just told by SMS that it may, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, BOB, World
from vvm.domain.clock import FixedClock
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus, SmsCoding
from vvm.omtp.carrier import CarrierProfile, StatusFacts
from vvm.omtp.system import parse_system_sms
from vvm.services.allowance import TooManyRequests
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import SelfServiceSettings, ServiceSettings
from vvm.services.subscription import NotInvited
from vvm.services.transactions import BadTransaction, Step, Transactions
from vvm.store.port import Acceptance, Renumbering, SubscriberChange

MDN = ALICE.removeprefix("+33")
PREFIX = "//VZWVVM"
CLIENT = ClientProfile(
    dialect=Dialect.VVM3, port=0, prefix=PREFIX, coding=SmsCoding.GSM7, carrier="verizon-test"
)
MINUTE = timedelta(minutes=1)


def verizon(*, self_subscription: bool = True) -> World:
    facts = StatusFacts(vmg_url="http://h/vvm3/vmg", self_subscription=self_subscription)
    return World(
        service=ServiceSettings(imap_port=143, client=CLIENT),
        carriers={"verizon-test": CarrierProfile("verizon-test", CLIENT, facts)},
    )


async def ask(world: World) -> dict[str, str]:
    """The handset asks by SMS; the STATUS that it hears."""
    await world.sms_from_handset("STATUS")
    return await told(world)


async def told(world: World) -> dict[str, str]:
    (notice,) = await world.notification.lease(10)
    await world.notification.sent(notice, smsc="main", last=Acceptance(1, 1, "m"))
    system = parse_system_sms(notice.text, PREFIX)
    assert system is not None
    return dict(system.fields)


async def link(world: World) -> tuple[str, str]:
    portal = world.subscription.portal(await world.subscription.open(MDN), mdn=MDN)
    return portal.token, portal.cookie


async def test_a_handset_that_was_told_so_subscribes_and_hears_of_it_by_sms() -> None:
    world = verizon()
    assert await ask(world) == {"st": "U", "rc": "2", "vmg_url": "http://h/vvm3/vmg"}
    token, cookie = await link(world)
    await world.subscription.subscribe(token, cookie=cookie)
    status = await told(world)
    assert (status["st"], status["rc"]) == ("N", "0")
    alice = await world.current()
    assert (alice.status, alice.setup_done) == (ProvisioningStatus.NEW, False)
    assert (await world.login(status["u"], status["pw"])).subscriber == alice


async def test_the_link_twice_is_one_subscription_and_one_status() -> None:
    world = verizon()
    await ask(world)
    token, cookie = await link(world)
    await world.subscription.subscribe(token, cookie=cookie)
    await world.subscription.subscribe(token, cookie=cookie)
    assert len(await world.owed()) == 1


async def test_a_subscription_that_broke_off_is_ended_by_the_same_link() -> None:
    world = verizon()
    await ask(world)
    token, cookie = await link(world)
    await world.provisioning.create(ALICE, SubscriberOptions(setup_done=False))
    await world.subscription.subscribe(token, cookie=cookie)
    assert (await told(world))["st"] == "N"


@pytest.mark.parametrize("mdn", [MDN, ALICE, "0000", "+0", "x" * 30, ""])
async def test_who_has_heard_nothing_is_not_invited(mdn: str) -> None:
    world = verizon()
    with pytest.raises(NotInvited):
        await world.subscription.open(mdn)


async def test_a_status_that_did_not_leave_invites_nobody() -> None:
    world = verizon()
    await world.sms_from_handset("STATUS")
    with pytest.raises(NotInvited):
        await world.subscription.open(MDN)


async def test_an_invitation_is_for_one_number_and_ends() -> None:
    world = verizon()
    await ask(world)
    with pytest.raises(NotInvited):
        await world.subscription.open(BOB)
    world.clock.advance(timedelta(minutes=60, seconds=1))
    with pytest.raises(NotInvited):
        await world.subscription.open(MDN)


async def test_who_is_served_is_not_invited() -> None:
    world = verizon()
    await ask(world)
    await world.subscriber(ProvisioningStatus.BLOCKED)
    with pytest.raises(NotInvited):
        await world.subscription.open(MDN)


async def test_where_nobody_may_subscribe_nobody_is_invited() -> None:
    world = verizon(self_subscription=False)
    assert (await ask(world))["rc"] != "2"
    with pytest.raises(NotInvited):
        await world.subscription.open(MDN)


async def test_a_block_in_between_counts() -> None:
    world = verizon()
    await ask(world)
    token, cookie = await link(world)
    await world.subscriber(ProvisioningStatus.BLOCKED)
    with pytest.raises(NotInvited):
        await world.subscription.subscribe(token, cookie=cookie)
    assert (await world.current()).status is ProvisioningStatus.BLOCKED


async def test_the_link_needs_the_cookie_of_its_page() -> None:
    world = verizon()
    await ask(world)
    token, cookie = await link(world)
    _, of_another_page = await link(world)
    for other in ("", of_another_page, cookie + "x"):
        with pytest.raises(BadTransaction):
            await world.subscription.subscribe(token, cookie=other)


async def test_the_page_is_for_the_number_that_asked() -> None:
    world = verizon()
    await ask(world)
    token = await world.subscription.open(MDN)
    world.subscription.portal(token)
    with pytest.raises(BadTransaction):
        world.subscription.portal(token, mdn=BOB)


async def test_the_addresses_are_good_for_their_step_and_for_ten_minutes() -> None:
    world = verizon()
    await ask(world)
    first = await world.subscription.open(MDN)
    token, cookie = await link(world)
    with pytest.raises(BadTransaction):
        await world.subscription.subscribe(first, cookie=cookie)
    with pytest.raises(BadTransaction):
        world.subscription.portal(token)
    world.clock.advance(10 * MINUTE)
    with pytest.raises(BadTransaction):
        world.subscription.portal(first)
    with pytest.raises(BadTransaction):
        await world.subscription.subscribe(token, cookie=cookie)


async def test_a_number_begins_so_often_an_hour_and_no_more() -> None:
    world = verizon()
    await ask(world)
    for _ in range(SelfServiceSettings().requests_per_hour):
        await world.subscription.open(MDN)
    with pytest.raises(TooManyRequests):
        await world.subscription.open(MDN)
    world.clock.advance(timedelta(hours=1))
    await ask(world)
    await world.subscription.open(MDN)


@pytest.mark.parametrize("token", ["", "x", "=" * 8, "A" * 40, "A" * 1000, "é", "\udcff"])
def test_a_made_up_token_is_none(token: str) -> None:
    world = verizon()
    with pytest.raises(BadTransaction):
        world.subscription.portal(token)


def test_a_token_shows_no_number_and_another_key_does_not_open_it() -> None:
    clock = FixedClock(World().clock.now())
    token = Transactions(b"a" * 32, clock).issue(Step.PORTAL, ALICE, life=MINUTE)
    assert "33612345678" not in token
    assert Transactions(b"a" * 32, clock).read(Step.PORTAL, token) == ALICE
    with pytest.raises(BadTransaction):
        Transactions(b"b" * 32, clock).read(Step.PORTAL, token)


async def test_a_number_in_quarantine_subscribes_nobody() -> None:
    world = verizon()
    await ask(world)
    token, cookie = await link(world)
    left = await world.provisioning.create(BOB, SubscriberOptions())
    moved = SubscriberChange(changed_at=world.clock.now())
    there = Renumbering(ALICE, "alice@vvm.example.net", moved)
    await world.store.numbers.renumber(left.msisdn, there)
    until = world.clock.now() + timedelta(days=1)
    back = Renumbering(BOB, left.imap_user, moved, quarantine_until=until)
    await world.store.numbers.renumber(ALICE, back)
    with pytest.raises(NotInvited):
        await world.subscription.subscribe(token, cookie=cookie)
