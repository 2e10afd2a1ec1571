# SPDX-License-Identifier: Apache-2.0
"""``vvm subscriber hold``, ``release``: what becomes of a subscriber."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Number
from vvm.cli.subscriber_show import show_subscriber
from vvm.domain.numbers import parse_msisdn

Reason = Annotated[str, Parameter(help="Why, for the audit.")]


async def hold(msisdn: Number, /, *, config: ConfigFile, reason: Reason, json: AsJson = False) -> None:
    """Lay a legal hold on a subscriber: nothing of its mailbox is lost, and it is not removed."""
    async with opened(config) as services:
        show_subscriber(await services.lifecycle.hold(parse_msisdn(msisdn), reason=reason), as_json=json)


async def release(msisdn: Number, /, *, config: ConfigFile, reason: Reason, json: AsJson = False) -> None:
    """Lift a legal hold; what only it has kept goes for ever."""
    async with opened(config) as services:
        show_subscriber(await services.lifecycle.release(parse_msisdn(msisdn), reason=reason), as_json=json)
