# SPDX-License-Identifier: Apache-2.0
"""The provisioning state machine (OMTP 1.3 2.8), as pure functions."""

from __future__ import annotations

from enum import StrEnum

from vvm.domain.errors import InvalidTransition
from vvm.domain.subscriber import ProvisioningStatus


class Trigger(StrEnum):
    """What moves a subscriber from status to status, as the audit tells it (sheet section 8)."""

    CREATED = "created"
    REMOVED = "removed"
    ACTIVATE = "activate"
    """The client's Activate, or what stands for it: STATUS of VVM3, STATE of Apple."""
    DEACTIVATE = "deactivate"
    SET_UP = "set_up"
    """The new-user tutorial was closed."""
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    ROTATED = "rotated"
    """A new IMAP password; the status stays."""
    PIN_RESET = "pin_reset"
    """An operator set a PIN of the telephone menus, or had one made; the status stays."""
    RENUMBERED = "renumbered"
    """Another own number: the client has to activate again."""
    SIM_SWAPPED = "sim_swapped"
    """Another SIM has the number: the same."""
    ALIAS_ADDED = "alias_added"
    ALIAS_REMOVED = "alias_removed"
    CLOSED = "closed"
    """It goes when its grace is over."""
    REOPENED = "reopened"
    HELD = "held"
    """A legal hold was laid on it; the status stays."""
    RELEASED = "released"
    """The hold was lifted."""
    RESENT = "resent"
    """An operator had the phone told once more; the status stays, and the reason names what."""
    OPERATOR = "operator"
    """Another request of the operator's systems."""


_NEW, _READY = ProvisioningStatus.NEW, ProvisioningStatus.READY
_PROVISIONED, _BLOCKED = ProvisioningStatus.PROVISIONED, ProvisioningStatus.BLOCKED


def activated(status: ProvisioningStatus, *, setup_done: bool) -> ProvisioningStatus:
    """After Activate.  A repeated Activate changes nothing.  Raises InvalidTransition from U and B."""
    if status.active:
        return status
    if status is not _PROVISIONED:
        raise InvalidTransition(f"a subscriber in status {status.value} cannot be activated")
    return _READY if setup_done else _NEW


def deactivated(status: ProvisioningStatus) -> ProvisioningStatus:
    """After Deactivate (target P; the specification is UNSURE).  Raises InvalidTransition from U, B."""
    if status.active or status is _PROVISIONED:
        return _PROVISIONED
    raise InvalidTransition(f"a subscriber in status {status.value} cannot be deactivated")


def set_up(status: ProvisioningStatus) -> ProvisioningStatus:
    """After the new-user tutorial: N becomes R, any other status stays."""
    return _READY if status is _NEW else status


def blocked(status: ProvisioningStatus) -> ProvisioningStatus:
    """After the operator's block, from any status."""
    del status
    return _BLOCKED


def unblocked(status: ProvisioningStatus) -> ProvisioningStatus:
    """After the operator's unblock: the client has to activate again."""
    return _PROVISIONED if status is _BLOCKED else status
