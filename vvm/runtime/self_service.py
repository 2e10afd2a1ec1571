# SPDX-License-Identifier: Apache-2.0
"""The part that clients reach over HTTP; there where ``self_service.listen`` names an address."""

from __future__ import annotations

import asyncio

import structlog

from vvm.config.address import parse_address
from vvm.config.sections import Config
from vvm.fronts.http.doors import Place, Report
from vvm.fronts.http.self_service import SelfService, build_self_service
from vvm.fronts.http.server import serving_at
from vvm.runtime.http_places import tls_place
from vvm.runtime.metrics import Metrics
from vvm.runtime.supervisor import Part, Ready
from vvm.runtime.wiring import Services

log = structlog.get_logger(__name__)


def self_service_part(
    config: Config, services: Services, metrics: Metrics, report: Report
) -> dict[str, Part]:
    """``report`` is told of connections that are not let in."""
    settings = config.self_service
    if not settings.listen:
        return {}
    app = build_self_service(
        SelfService(
            services.subscription,
            services.device_codes,
            services.devices,
            services.login,
            services.service,
        ),
        config.http,
        url=settings.url,
        registry=metrics.registry,
    )
    parts: dict[str, Part] = {}
    if settings.certificate:
        place, parts["self_service_renewal"] = tls_place(
            settings.listen, certificate=settings.certificate, key=settings.key
        )
    else:
        address = parse_address(settings.listen)
        place = Place(address.host, address.port)

    async def run(ready: Ready) -> None:
        async with serving_at(app, config.http, [place], report=report) as (port,):
            log.info("self_service_listening", port=port)
            ready()
            await asyncio.Event().wait()

    return {"self_service": run} | parts
