# SPDX-License-Identifier: Apache-2.0
"""What to do about a command_status (SMPP 3.4 section 5.1.3).

The specification names the errors; what follows from them is experience.  Values that nobody
documented, vendors' own above all, count as temporary: a bounded number of attempts does less harm
than a lost message.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum


class Status(IntEnum):
    """The values that this gateway tells apart or sends itself."""

    ROK = 0x00
    RINVMSGLEN = 0x01
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RINVPRTFLG = 0x06
    RINVREGDLVFLG = 0x07
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RMSGQFUL = 0x14
    RINVSERTYP = 0x15
    RINVESMCLASS = 0x43
    RSUBMITFAIL = 0x45
    RINVSRCTON = 0x48
    RINVSRCNPI = 0x49
    RINVDSTTON = 0x50
    RINVDSTNPI = 0x51
    RTHROTTLED = 0x58
    RINVSCHED = 0x61
    RINVEXPIRY = 0x62
    RX_T_APPN = 0x64
    RX_P_APPN = 0x65
    RINVOPTPARSTREAM = 0xC0
    ROPTPARNOTALLWD = 0xC1
    RINVPARLEN = 0xC2
    RMISSINGOPTPARAM = 0xC3
    RINVOPTPARAMVAL = 0xC4
    # From here on SMPP 5.0 section 4.7.6.
    RSERTYPUNAUTH = 0x100
    RPROHIBITED = 0x101
    RSERTYPUNAVAIL = 0x102
    RSERTYPDENIED = 0x103
    RINVDCS = 0x104
    RINVSRCADDRSUBUNIT = 0x105
    RINVDSTADDRSUBUNIT = 0x106


class Action(StrEnum):
    """What the sender of a submit_sm does next."""

    SLOW_DOWN = "slow_down"
    """We were too fast: again soon, at a lower rate; the SMS is not to blame."""
    HOLD = "hold"
    """This recipient's queue is full: again later, others go on."""
    LATER = "later"
    """Something is wrong now: again later, a bounded number of times."""
    REFUSE = "refuse"
    """It would fail again; usually our configuration is wrong."""
    REBIND = "rebind"
    """The SMSC does not know our bind: drop the link and bind again."""


_ACTIONS: Mapping[int, Action] = {
    Status.RTHROTTLED: Action.SLOW_DOWN,
    Status.RMSGQFUL: Action.HOLD,
    Status.RINVBNDSTS: Action.REBIND,
    Status.RINVMSGLEN: Action.REFUSE,
    Status.RINVCMDLEN: Action.REFUSE,
    Status.RINVCMDID: Action.REFUSE,
    Status.RINVPRTFLG: Action.REFUSE,
    Status.RINVREGDLVFLG: Action.REFUSE,
    Status.RINVSRCADR: Action.REFUSE,
    Status.RINVDSTADR: Action.REFUSE,
    Status.RINVSERTYP: Action.REFUSE,
    Status.RINVESMCLASS: Action.REFUSE,
    Status.RINVSRCTON: Action.REFUSE,
    Status.RINVSRCNPI: Action.REFUSE,
    Status.RINVDSTTON: Action.REFUSE,
    Status.RINVDSTNPI: Action.REFUSE,
    Status.RINVSCHED: Action.REFUSE,
    Status.RINVEXPIRY: Action.REFUSE,
    Status.RX_P_APPN: Action.REFUSE,
    Status.RINVOPTPARSTREAM: Action.REFUSE,
    Status.ROPTPARNOTALLWD: Action.REFUSE,
    Status.RINVPARLEN: Action.REFUSE,
    Status.RMISSINGOPTPARAM: Action.REFUSE,
    Status.RINVOPTPARAMVAL: Action.REFUSE,
    Status.RSERTYPUNAUTH: Action.REFUSE,
    Status.RPROHIBITED: Action.REFUSE,
    Status.RSERTYPDENIED: Action.REFUSE,
    Status.RINVDCS: Action.REFUSE,
    Status.RINVSRCADDRSUBUNIT: Action.REFUSE,
    Status.RINVDSTADDRSUBUNIT: Action.REFUSE,
}


def action(status: int, overrides: Mapping[int, Action]) -> Action:
    """What follows from a status other than ROK; the carrier's own table goes first."""
    return overrides.get(status) or _ACTIONS.get(status, Action.LATER)


def nack_action(status: int, overrides: Mapping[int, Action]) -> Action:
    """What follows from a generic_nack, which is never a success, whatever its status (section 4.3).

    A peer that does not know the command will not learn it.  Anything else, its view of our octets
    included, may be different on the next link.
    """
    refused = Action.REFUSE if status == Status.RINVCMDID else Action.LATER
    return overrides.get(status, refused)


def wrong_credentials(status: int) -> bool:
    """Whether a bind was refused for its password or system_id: trying often would lock us out."""
    return status in {Status.RINVPASWD, Status.RINVSYSID}


def name(status: int) -> str:
    """The specification's name, else the number in hexadecimal."""
    try:
        return Status(status).name
    except ValueError:
        return f"{status:#06x}"


def shown(status: int) -> str:
    """For logs: the number as the metrics have it, and the specification's name where it has one."""
    number = f"{status:#010x}"
    try:
        return f"{number} {Status(status).name}"
    except ValueError:
        return number
