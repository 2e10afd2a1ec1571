# SPDX-License-Identifier: Apache-2.0
"""How a submit can fail, told apart by what the sender may conclude from it."""

from __future__ import annotations

from sms_gateway.smpp import status as smpp_status


class NotSent(Exception):
    """The link went before the request was written: the SMSC never saw it."""


class OutcomeUnknown(Exception):
    """The request was written and no answer came: the SMSC may have acted on it."""


class Rejected(Exception):
    """The SMSC answered with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(smpp_status.name(status))
        self.status = status


class Nacked(Rejected):
    """The SMSC answered by generic_nack: it did not take the PDU for what it is."""


class BindRefused(Rejected):
    """The SMSC does not let us in."""
