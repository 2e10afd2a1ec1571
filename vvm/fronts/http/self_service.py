# SPDX-License-Identifier: Apache-2.0
"""The app that clients reach: a listener of its own, with nothing of the operators' API on it."""

from __future__ import annotations

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from vvm.fronts.http.access import access
from vvm.fronts.http.problems import problems
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.vvm3 import Vvm3Routes
from vvm.services.subscription import Subscription


class SelfService(msgspec.Struct, frozen=True):
    """What clients may call."""

    subscription: Subscription


def build_self_service(
    services: SelfService, settings: HttpSettings, *, url: str, registry: CollectorRegistry
) -> web.Application:
    """``url`` is the address of this app as clients see it, without a slash at its end."""
    measured = access(registry, "vvm_self_service_seconds")
    app = web.Application(middlewares=[measured, problems(settings)])
    Vvm3Routes(services.subscription, settings, url=url).add_to(app)
    return app
