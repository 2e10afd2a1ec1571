# SPDX-License-Identifier: Apache-2.0
"""STATE and MBOXUPDATE, as captures of Apple's visual voicemail show them (sheet section 17).

Experimental: made from what others saw on the air, never tried with a telephone.
"""

from __future__ import annotations

from vvm.domain.subscriber import ProvisioningStatus
from vvm.omtp.status import StatusReply

_STATES = {ProvisioningStatus.NEW: "NewAccount", ProvisioningStatus.READY: "Active"}
_MAX_COUNT = 99999


def render_state(reply: StatusReply) -> str:
    """The answer to a beacon.  It holds a password while the account is there: never log it."""
    state = _STATES.get(reply.status, "NotAvailable")
    return _text("STATE", {"state": state} | _account(reply))


def render_mailbox_update(count: int, reply: StatusReply) -> str:
    """The mailbox moved; ``count`` messages were not played.  Holds a password: never log it."""
    return _text("MBOXUPDATE", {"m": str(min(count, _MAX_COUNT))} | _account(reply))


def _account(reply: StatusReply) -> dict[str, str]:
    """Server, port, name and password; nothing for a subscriber whose client may not log in."""
    if not reply.status.active or reply.password is None:
        return {}
    return {
        "server": reply.server or "",
        "port": str(reply.imap_port),
        "name": reply.user or "",
        "pw": reply.password.reveal(),
    }


def _text(event: str, fields: dict[str, str]) -> str:
    # StatusReply has checked that no value holds a separator.
    return f"{event}?" + ";".join(f"{key}={value}" for key, value in fields.items())
