# SPDX-License-Identifier: Apache-2.0
"""Which hops are looked at, in which order, and which are left out because an earlier one failed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from vvm.config.carriers import load_carriers
from vvm.config.sections import Config
from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.omtp.status import ReturnCode
from vvm.runtime.wiring import Services
from vvm.services.replies import Replies
from vvm.simulator.doctor import installation, patient
from vvm.simulator.doctor.finding import Finding, Hop, Outcome, skipped
from vvm.simulator.doctor.walk import Walk, WalkOptions

_WALK_NEEDS = frozenset(
    {Hop.CODEC, Hop.SERVICE, Hop.STORE, Hop.IMAP, Hop.SUBSCRIBER, Hop.CREDENTIALS, Hop.MAILBOX}
)
_SMS_NEEDS = frozenset({Hop.SMSC})


class Options(msgspec.Struct, frozen=True):
    walk: WalkOptions
    address: bool
    """Whether to knock where STATUS sends handsets: some carriers reach that from handsets only."""


async def examine(
    config: Config, services: Services, msisdn: Msisdn | None, options: Options
) -> AsyncIterator[Finding]:
    """Every hop once; without a number those of the installation.  Raises Outage when the store goes."""
    subscriber = None if msisdn is None else await services.store.subscribers.by_msisdn(msisdn)
    sick: set[Hop] = set()
    async for finding in _installation(config, services, subscriber, options):
        if finding.outcome is Outcome.FAILED:
            sick.add(finding.hop)
        yield finding
    if msisdn is None:
        return
    async for finding in _patient(services, msisdn, subscriber):
        if finding.outcome is Outcome.FAILED:
            sick.add(finding.hop)
        yield finding
    needs = _WALK_NEEDS | (_SMS_NEEDS if options.walk.sms else frozenset())
    if subscriber is None or sick & needs:
        yield skipped(Hop.DEPOSIT, f"no test message: first mend {', '.join(sorted(sick & needs))}")
        return
    async for finding in Walk(config, services, subscriber, options.walk)():
        yield finding


async def _installation(
    config: Config, services: Services, subscriber: Subscriber | None, options: Options
) -> AsyncIterator[Finding]:
    yield installation.codec()
    yield await installation.certificate(config, services.clock)
    finding, seen = await installation.service(config)
    yield finding
    yield await installation.store(services.trial_write)
    if seen is None:
        yield skipped(Hop.CLOCK, "there is no running service to compare with")
    else:
        newest = None if subscriber is None else subscriber.changed_at
        yield installation.clock_agrees(seen, services.clock, newest=newest)
    closed = False
    async for finding in installation.imap(config):
        closed = closed or finding.outcome is Outcome.FAILED
        yield finding
    if closed or not options.address:
        why = "first open the listener" if closed else "as it was asked for"
        yield skipped(Hop.ADDRESS, f"where STATUS sends handsets is not looked at: {why}")
    else:
        yield await installation.address(_told(config, services, subscriber))
    async for finding in installation.smsc(config, seen):
        yield finding


async def _patient(
    services: Services, msisdn: Msisdn, subscriber: Subscriber | None
) -> AsyncIterator[Finding]:
    yield patient.standing(msisdn, subscriber)
    if subscriber is None:
        return
    source = subscriber.client.source or services.service.service_number
    yield await patient.service_number(services.store, subscriber, source)
    yield await patient.credentials(services.store, services.keyring, subscriber, services.clock)
    yield await patient.mailbox(services.store, subscriber)


def _told(config: Config, services: Services, subscriber: Subscriber | None) -> installation.Told:
    """What STATUS says of the server to this subscriber, whose carrier may have a port of its own."""
    service = services.service
    told = installation.Told(service.imap_host, service.imap_port)
    if subscriber is None or not subscriber.status.active:
        return told
    try:
        reply = Replies(service, load_carriers(config.vvm), services.keyring)(subscriber, ReturnCode.SUCCESS)
    except (Refusal, ValueError):
        return told
    return installation.Told(reply.server or told.host, reply.imap_port or told.port)
