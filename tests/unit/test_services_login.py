# SPDX-License-Identifier: Apache-2.0

"""Login: who may open a mailbox, and that only its owner learns why not."""

from __future__ import annotations

import pytest

from tests.unit.services_world import ALICE, BOB, World
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.services.login import Admitted, LoginRefusal, LoginRefused


def password_of(world: World, subscriber: Subscriber) -> str:
    return world.keyring.open(subscriber.imap_user, subscriber.password_sealed).reveal()


async def refusal(world: World, user: str, password: str) -> LoginRefusal:
    with pytest.raises(LoginRefused) as refused:
        await world.login(user, password)
    return refused.value.reason


# rows: PRV-04
@pytest.mark.parametrize("status", [ProvisioningStatus.NEW, ProvisioningStatus.READY])
async def test_an_active_subscriber_logs_in(status: ProvisioningStatus) -> None:
    world = World()
    alice = await world.subscriber(status)
    assert await world.login(alice.imap_user, password_of(world, alice)) == Admitted(alice)


# rows: AUTH-10 PRV-05
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (ProvisioningStatus.UNKNOWN, LoginRefusal.NOT_PROVISIONED),
        (ProvisioningStatus.PROVISIONED, LoginRefusal.NOT_ACTIVATED),
        (ProvisioningStatus.BLOCKED, LoginRefusal.BLOCKED),
    ],
)
async def test_the_owner_learns_why_it_may_not_log_in(
    status: ProvisioningStatus, reason: LoginRefusal
) -> None:
    world = World()
    alice = await world.subscriber(status)
    assert await refusal(world, alice.imap_user, password_of(world, alice)) is reason


@pytest.mark.parametrize("status", ProvisioningStatus)
async def test_who_does_not_know_the_password_learns_no_status(status: ProvisioningStatus) -> None:
    world = World()
    alice = await world.subscriber(status)
    assert await refusal(world, alice.imap_user, "wrong") is LoginRefusal.INVALID_PASSWORD


@pytest.mark.parametrize("spoil", [str.lower, str.upper, lambda right: right + "x", lambda right: right[:-1]])
async def test_a_password_counts_letter_by_letter(spoil: object) -> None:
    world = World()
    alice = await world.subscriber()
    right = password_of(world, alice)
    assert callable(spoil)
    assert await refusal(world, alice.imap_user, spoil(right)) is LoginRefusal.INVALID_PASSWORD


async def test_a_password_opens_no_other_mailbox() -> None:
    world = World()
    alice, bob = await world.subscriber(), await world.subscriber(msisdn=BOB)
    assert await refusal(world, bob.imap_user, password_of(world, alice)) is LoginRefusal.INVALID_PASSWORD


# rows: AUTH-09
@pytest.mark.parametrize("user", ["", "33612345678", ALICE, "33612345678@VVM.example.net", "\udcff"])
async def test_an_unknown_user_is_told_apart(user: str) -> None:
    world = World()
    alice = await world.subscriber()
    assert await refusal(world, user, password_of(world, alice)) is LoginRefusal.UNKNOWN_USER


@pytest.mark.parametrize("password", ["", "\0", "\udcff\udcfe", "é" * 1000])
async def test_odd_octets_in_a_password_are_only_wrong(password: str) -> None:
    world = World()
    alice = await world.subscriber()
    assert await refusal(world, alice.imap_user, password) is LoginRefusal.INVALID_PASSWORD


async def test_a_refusal_shows_no_password() -> None:
    world = World()
    alice = await world.subscriber()
    with pytest.raises(LoginRefused) as refused:
        await world.login(alice.imap_user, "my-secret-guess")
    assert "my-secret-guess" not in repr(refused.value) + str(refused.value)


async def test_a_proof_needs_the_same_password_and_the_same_status() -> None:
    world = World()
    alice = await world.subscriber()
    assert (await world.login.password(alice.imap_user)).reveal() == password_of(world, alice)
    assert await world.login.proven(alice.imap_user) == Admitted(alice)


async def test_a_proof_opens_no_mailbox_that_a_password_would_not() -> None:
    world = World()
    alice = await world.subscriber(ProvisioningStatus.BLOCKED)
    with pytest.raises(LoginRefused) as refused:
        await world.login.proven(alice.imap_user)
    assert refused.value.reason is LoginRefusal.BLOCKED
    with pytest.raises(LoginRefused) as refused:
        await world.login.password("nobody@vvm.example.net")
    assert refused.value.reason is LoginRefusal.UNKNOWN_USER
