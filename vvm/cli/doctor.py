# SPDX-License-Identifier: Apache-2.0
"""``vvm doctor``: why does this phone not ring, hop by hop."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter, validators

from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line
from vvm.cli.progress import progress
from vvm.config.load import load
from vvm.domain.errors import Refusal
from vvm.domain.numbers import parse_msisdn
from vvm.runtime.logs import configure
from vvm.runtime.wiring import open_services
from vvm.simulator.doctor.examination import Options, examine
from vvm.simulator.doctor.finding import Finding, failures, report
from vvm.simulator.doctor.walk import WalkOptions


class Unhealthy(Refusal):
    """Something failed, and was told."""

    code = "unhealthy"


async def doctor(
    msisdn: Annotated[
        str, Parameter(help="One subscriber, E.164 with its plus sign; the installation only when left out.")
    ] = "",
    /,
    *,
    config: ConfigFile,
    sms: Annotated[
        bool,
        Parameter(help="Send SMS to the phone: the answer to STATUS, SYNC for a test message, and its end."),
    ] = True,
    address: Annotated[
        bool, Parameter(help="Knock where STATUS sends handsets, which only handsets may reach.")
    ] = True,
    wait: Annotated[
        float,
        Parameter(validator=validators.Number(gt=0), help="Seconds that the SMSC may take for an SMS."),
    ] = 15.0,
    json: AsJson = False,
) -> None:
    """Act as the handset of one subscriber, from its SMS to decoded sound, and tell what fails and why.

    Run it where the service runs, as its user.  It leaves a test message and removes it; the phone shows it
    for a moment unless --no-sms is given. Exit 1 when a hop failed.
    """
    settings = load(config, os.environ)
    configure("error", settings.log.format)
    number = parse_msisdn(msisdn) if msisdn else None
    options = Options(WalkOptions(sms, timedelta(seconds=wait)), address)
    found: list[Finding] = []
    async with open_services(settings) as services:
        with progress("looked at", quiet=json) as advance:  # a hop may wait for the SMSC
            async for finding in examine(settings, services, number, options):
                found.append(finding)
                advance(1)
                if not json:
                    _show(finding)
    if json:
        show_json(report(number, found))
    if sick := failures(found):
        raise Unhealthy(f"{len(sick)} failed: {', '.join(finding.fault for finding in sick)}")


def _show(finding: Finding) -> None:
    show_line(f"{finding.outcome:<8}{finding.hop:<16}{finding.text}")
    if finding.cure:
        show_line(f"{'':<24}-> {finding.cure}")
