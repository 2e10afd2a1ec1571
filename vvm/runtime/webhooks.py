# SPDX-License-Identifier: Apache-2.0
"""The part of the worker role that brings events to webhooks."""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import CollectorRegistry, Counter

from vvm.domain.errors import Outage
from vvm.fronts.webhooks import http_post
from vvm.runtime.supervisor import Part, Ready
from vvm.runtime.wiring import Services
from vvm.services.credentials import SealBroken
from vvm.services.settings import WebhookSettings
from vvm.services.webhook_delivery import Verdict, WebhookDelivery

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
"""How soon an event is noticed; looking costs one read."""
_OUTAGE_SECONDS = 1.0


class DeliveryMetrics:
    """vvm.services.webhook_delivery.WebhookMetrics; at nought from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        posts = Counter(
            "vvm_webhook_posts", "Events posted, by what was answered", ["verdict"], registry=registry
        )
        self._posts = {verdict: posts.labels(verdict.value) for verdict in Verdict}

    def posted(self, verdict: Verdict) -> None:
        self._posts[verdict].inc()


def delivery_part(settings: WebhookSettings, services: Services, registry: CollectorRegistry) -> Part:
    """Some workers side by side, each with one webhook at a time."""
    metrics = DeliveryMetrics(registry)

    async def run(ready: Ready) -> None:
        async with http_post(settings) as post, asyncio.TaskGroup() as group:
            delivery = WebhookDelivery(
                services.store.webhooks,
                services.store.events,
                services.keyring,
                post,
                clock=services.clock,
                settings=settings,
                metrics=metrics,
            )
            for _ in range(settings.workers):
                group.create_task(_work(delivery))
            ready()

    return run


async def _work(delivery: WebhookDelivery) -> None:
    while True:
        try:
            if not await delivery.drain():
                await asyncio.sleep(_LOOK_SECONDS)
        except Outage as outage:
            log.warning("store_unavailable", error=str(outage))
            await asyncio.sleep(_OUTAGE_SECONDS)
        except SealBroken as broken:
            log.error("webhook_not_signed", error=str(broken))  # noqa: TRY400 - the text says all
