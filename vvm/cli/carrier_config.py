# SPDX-License-Identifier: Apache-2.0
"""``vvm carrier-config``: what handsets must be told of this service, from its own configuration."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Annotated

from cyclopts import App, Parameter

from vvm.cli.options import ConfigFile
from vvm.config.address import parse_address
from vvm.config.carriers import load_carriers
from vvm.config.load import load
from vvm.config.sections import Config
from vvm.domain.errors import Refusal
from vvm.domain.subscriber import ClientProfile
from vvm.omtp.carrier import CarrierProfile, StatusFacts
from vvm.omtp.handset_config import (
    HandsetConfig,
    NotForHandsets,
    android,
    comma_separated,
    markdown,
    provider_info,
    vvmd,
)
from vvm.runtime.wiring import service_settings

app = App(name="carrier-config")

_NETWORK = re.compile(r"[0-9]{5,6}\Z")


class Form(StrEnum):
    ANDROID = "android"
    """An XML file for Android's CarrierConfig."""
    VVMD = "vvmd"
    """Settings of vvmd on Linux phones."""
    PROVIDER_INFO = "provider-info"
    """The element of mobile-broadband-provider-info."""
    MARKDOWN = "markdown"
    """A table for handset makers, of the service and of every carrier profile."""
    CSV = "csv"
    """The same table for programs."""


class NotExported(Refusal):
    code = "not_exported"


@app.command
def export(
    form: Annotated[Form, Parameter(help="Which file.")],
    /,
    *,
    config: ConfigFile,
    carrier: Annotated[str, Parameter(help="A profile of vvm.carriers in place of the service's own.")] = "",
    network: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            show_default=False,
            help="MCC and MNC, for example 20820; those of the profile by default.",
        ),
    ] = (),
) -> None:
    """Print what a handset must know before its first SMS."""
    if wrong := [one for one in network if not _NETWORK.match(one)]:
        raise NotExported(f"{wrong[0]}: a network is five or six digits, MCC and MNC")
    settings = load(config, os.environ)
    configs = _configs(settings, network)
    if form in {Form.MARKDOWN, Form.CSV}:
        chosen = [one for one in configs.values() if carrier in {"", one.name}]
        print(markdown(chosen) if form is Form.MARKDOWN else comma_separated(chosen), end="")  # noqa: T201 - this is the command's output
        return
    if carrier not in configs:
        raise NotExported(f"carrier must be one of {', '.join(sorted(filter(None, configs))) or 'none'}")
    write = {Form.ANDROID: android, Form.VVMD: vvmd, Form.PROVIDER_INFO: provider_info}[form]
    try:
        print(write(configs[carrier]), end="")  # noqa: T201 - as above
    except NotForHandsets as error:
        raise NotExported(str(error)) from None


def _configs(settings: Config, networks: tuple[str, ...]) -> dict[str, HandsetConfig]:
    """The service under "", and each profile under its name."""
    carriers = load_carriers(settings.vvm)
    service = service_settings(settings, carriers)
    tls = settings.imap.listen_tls

    def of(name: str, client: ClientProfile, profile: CarrierProfile | None) -> HandsetConfig:
        facts = StatusFacts() if profile is None else profile.status
        return HandsetConfig(
            name=name,
            dialect=client.dialect,
            service_number=client.source or service.service_number,
            port=client.port,
            prefix=client.prefix,
            imap_host=service.imap_host,
            imap_port=facts.imap_port or service.imap_port,
            tls_port=parse_address(tls[0]).port if tls else 0,
            networks=networks or (() if profile is None else profile.networks),
            vmg_url=facts.vmg_url,
        )

    found = {"": of("service", service.client, carriers.get(service.carrier))}
    return found | {name: of(name, profile.client, profile) for name, profile in carriers.items()}
