# SPDX-License-Identifier: Apache-2.0
"""The app that clients reach: a listener of its own, with nothing of the operators' API on it."""

from __future__ import annotations

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from vvm.fronts.http.access import access
from vvm.fronts.http.client_devices import ClientDeviceRoutes
from vvm.fronts.http.problems import problems
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.vvm3 import Vvm3Routes
from vvm.services.device_codes import DeviceCodes
from vvm.services.devices import Devices
from vvm.services.login import Login
from vvm.services.settings import ServiceSettings
from vvm.services.subscription import Subscription


class SelfService(msgspec.Struct, frozen=True):
    """What clients may call."""

    subscription: Subscription
    device_codes: DeviceCodes
    devices: Devices
    login: Login
    service: ServiceSettings
    """As it is told to clients."""


def build_self_service(
    services: SelfService, settings: HttpSettings, *, url: str, registry: CollectorRegistry
) -> web.Application:
    """``url`` is the address of this app as clients see it, without a slash at its end."""
    measured = access(registry, "vvm_self_service_seconds")
    app = web.Application(middlewares=[measured, problems(settings)])
    Vvm3Routes(services.subscription, settings, url=url).add_to(app)
    ClientDeviceRoutes(
        services.device_codes, services.devices, services.login, settings, service=services.service
    ).add_to(app)
    return app
