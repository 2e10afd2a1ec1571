# SPDX-License-Identifier: Apache-2.0
"""A device's session over IMAP lives as long as a login of it would succeed."""

from __future__ import annotations

import pytest

from imap_server.backend import Denied, Ended
from tests.unit.imap_front import PEER, backend
from tests.unit.services_world import ALICE, World
from vvm.domain.subscriber import ProvisioningStatus
from vvm.fronts.imap.account import FilingAccount, SubscriberAccount
from vvm.fronts.imap.mailbox import Folder
from vvm.services.devices import NewCredentials


async def tablet_of_alice(world: World) -> tuple[NewCredentials, SubscriberAccount | FilingAccount, Folder]:
    await world.subscriber(ProvisioningStatus.PROVISIONED)
    given = await world.devices.add(ALICE, name="Tablet")
    account = await backend(world).login(given.device.login, given.password.reveal(), PEER)
    inbox = await account.select("INBOX")
    assert inbox is not None
    return given, account, inbox


async def test_a_session_of_a_device_needs_no_activation() -> None:
    _, account, inbox = await tablet_of_alice(World())
    assert (await inbox.snapshot()).messages.uids == []
    assert await account.status("INBOX") is not None


async def test_revoking_ends_the_session_of_that_device() -> None:
    world = World()
    given, account, inbox = await tablet_of_alice(world)
    await world.devices.revoke(ALICE, given.device.id)
    for question in (inbox.snapshot(), inbox.changes(1), account.status("INBOX")):
        with pytest.raises(Ended, match="revoked"):
            await question
    with pytest.raises(Denied, match="unknown user"):
        await backend(world).login(given.device.login, given.password.reveal(), PEER)


async def test_a_block_ends_the_session_of_a_device_too() -> None:
    world = World()
    _, account, inbox = await tablet_of_alice(world)
    await world.subscribers_status(ProvisioningStatus.BLOCKED)
    for question in (inbox.snapshot(), inbox.changes(1), account.status("INBOX")):
        with pytest.raises(Ended, match="blocked"):
            await question
