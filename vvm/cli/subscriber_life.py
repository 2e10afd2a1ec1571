# SPDX-License-Identifier: Apache-2.0
"""``vvm subscriber hold``, ``renumber`` and so on: what becomes of a subscriber."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol

from cyclopts import Parameter

from vvm.cli.etags import IfMatch, allowed
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Number, Reason
from vvm.cli.output import show_json, show_line
from vvm.cli.subscriber_show import show_subscriber
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.domain.subscriber import Subscriber
from vvm.fronts.http.etags import subscriber_tag
from vvm.runtime.wiring import Services

Alias = Annotated[str, Parameter(help="A further number, E.164 with its plus sign.")]


async def hold(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    reason: Reason,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Lay a legal hold on a subscriber: nothing of its mailbox is lost, and it is not removed."""
    async with opened(config) as services:
        await _step(services, services.lifecycle.hold, msisdn, reason, if_match, as_json=json)


async def release(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    reason: Reason,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Lift a legal hold; what only it has kept goes for ever."""
    async with opened(config) as services:
        await _step(services, services.lifecycle.release, msisdn, reason, if_match, as_json=json)


async def close(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    reason: Reason,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Close a subscriber: it takes no message, lets nobody in, and goes after vvm.close_grace_days."""
    async with opened(config) as services:
        await _step(services, services.lifecycle.close, msisdn, reason, if_match, as_json=json)


async def reopen(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    reason: Reason,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Open a closed subscriber again, as it was."""
    async with opened(config) as services:
        await _step(services, services.lifecycle.reopen, msisdn, reason, if_match, as_json=json)


async def renumber(
    msisdn: Number,
    new: Annotated[str, Parameter(help="The number that it shall have.")],
    /,
    *,
    config: ConfigFile,
    reason: Reason = "",
    json: AsJson = False,
) -> None:
    """Give a mailbox another number; its client has to activate again, and is told so by STATUS."""
    async with opened(config) as services:
        after = await services.lifecycle.renumber(parse_msisdn(msisdn), parse_msisdn(new), reason=reason)
    show_subscriber(after, as_json=json)


async def reset_pin(
    msisdn: Number, /, *, config: ConfigFile, reason: Reason = "", json: AsJson = False
) -> None:
    """Make a new PIN of the telephone menus, and tell it to the subscriber by SMS and to nobody else."""
    async with opened(config) as services:
        show_subscriber(await services.pin_reset(parse_msisdn(msisdn), reason=reason), as_json=json)


async def swap_sim(
    msisdn: Number, /, *, config: ConfigFile, reason: Reason = "", json: AsJson = False
) -> None:
    """Another SIM has the number: a new password at once, sessions end, the client has to activate."""
    async with opened(config) as services:
        show_subscriber(await services.lifecycle.swap_sim(parse_msisdn(msisdn), reason=reason), as_json=json)


async def aliases(msisdn: Number, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """List the further numbers of a mailbox."""
    async with opened(config) as services:
        found = await services.lifecycle.aliases(parse_msisdn(msisdn))
    if json:
        show_json({"aliases": found})
    else:
        for alias in found:
            show_line(alias)


async def add_alias(msisdn: Number, alias: Alias, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Let a second number lead to a mailbox; may be repeated."""
    async with opened(config) as services:
        added = await services.lifecycle.add_alias(parse_msisdn(msisdn), parse_msisdn(alias))
    if json:
        show_json({"msisdn": msisdn, "alias": alias, "added": added})
    else:
        show_line(f"{alias} leads to {msisdn}" if added else f"{alias} led to {msisdn} before")


async def remove_alias(msisdn: Number, alias: Alias, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Take a further number away from a mailbox."""
    async with opened(config) as services:
        await services.lifecycle.remove_alias(parse_msisdn(msisdn), parse_msisdn(alias))
    if json:
        show_json({"removed": alias})
    else:
        show_line(f"{alias} leads nowhere")


class _Step(Protocol):
    async def __call__(
        self, msisdn: Msisdn, /, *, reason: str, decided_at: datetime | None
    ) -> Subscriber: ...


async def _step(
    services: Services, step: _Step, msisdn: str, reason: str, if_match: str | None, *, as_json: bool
) -> None:
    """Hold and closure have the ETag of the subscriber."""
    before = await services.provisioning.show(parse_msisdn(msisdn))
    decided_at = allowed(if_match, subscriber_tag(before), before.changed_at)
    show_subscriber(await step(parse_msisdn(msisdn), reason=reason, decided_at=decided_at), as_json=as_json)
