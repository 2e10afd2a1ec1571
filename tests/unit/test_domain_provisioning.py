# SPDX-License-Identifier: Apache-2.0

"""The provisioning state machine, as a table (OMTP 1.3 2.8)."""

from __future__ import annotations

import pytest

from vvm.domain.errors import InvalidTransition
from vvm.domain.provisioning import activated, blocked, deactivated, unblocked
from vvm.domain.subscriber import ProvisioningStatus

NEW, READY = ProvisioningStatus.NEW, ProvisioningStatus.READY
PROVISIONED, UNKNOWN = ProvisioningStatus.PROVISIONED, ProvisioningStatus.UNKNOWN
BLOCKED = ProvisioningStatus.BLOCKED


# rows: PRV-01 MO-11
@pytest.mark.parametrize(
    ("before", "with_setup", "without_setup"),
    [(PROVISIONED, READY, NEW), (NEW, NEW, NEW), (READY, READY, READY)],
)
def test_activation_leads_to_new_or_ready(
    before: ProvisioningStatus, with_setup: ProvisioningStatus, without_setup: ProvisioningStatus
) -> None:
    assert activated(before, setup_done=True) is with_setup
    assert activated(before, setup_done=False) is without_setup


# rows: PRV-03
@pytest.mark.parametrize("before", [NEW, READY, PROVISIONED])
def test_deactivation_leads_to_provisioned(before: ProvisioningStatus) -> None:
    assert deactivated(before) is PROVISIONED


@pytest.mark.parametrize("before", [UNKNOWN, BLOCKED])
def test_a_client_moves_nobody_out_of_unknown_or_blocked(before: ProvisioningStatus) -> None:
    with pytest.raises(InvalidTransition, match=before.value):
        activated(before, setup_done=True)
    with pytest.raises(InvalidTransition, match=before.value):
        deactivated(before)


@pytest.mark.parametrize("before", ProvisioningStatus)
def test_an_operator_blocks_from_any_status(before: ProvisioningStatus) -> None:
    assert blocked(before) is BLOCKED


@pytest.mark.parametrize("before", ProvisioningStatus)
def test_unblocking_asks_for_a_new_activation_and_touches_nobody_else(before: ProvisioningStatus) -> None:
    assert unblocked(before) is (PROVISIONED if before is BLOCKED else before)


def test_only_new_and_ready_are_active() -> None:
    assert {status for status in ProvisioningStatus if status.active} == {NEW, READY}
