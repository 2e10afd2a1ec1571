# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers:batch``: many changes in one request, each with a result of its own."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.http.answers import document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import SubscriberDocument, options_of
from vvm.services.batch import LIMIT, Batch, Item, Outcome, Result, Verb
from vvm.services.provisioning import Provisioning


class ItemDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: Verb
    msisdn: Annotated[str, msgspec.Meta(pattern=r"^[+][1-9][0-9]{5,14}$")]
    subscriber: SubscriberDocument = SubscriberDocument()
    """As the body of PUT and PATCH; a deletion has none."""


class BatchDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[tuple[ItemDocument, ...], msgspec.Meta(min_length=1, max_length=LIMIT)]
    dry_run: bool = False


class ItemView(msgspec.Struct, frozen=True, omit_defaults=True):
    msisdn: Msisdn
    outcome: Outcome
    code: str = ""
    """Of the problem, when it was refused."""
    detail: str = ""


class BatchView(msgspec.Struct, frozen=True):
    results: tuple[ItemView, ...]
    """In the order of the items."""
    refused: int
    dry_run: bool


class BatchRoutes:
    def __init__(self, batch: Batch, provisioning: Provisioning, settings: HttpSettings) -> None:
        self._batch = batch
        self._provisioning = provisioning
        self._settings = settings

    async def run(self, request: web.Request) -> web.Response:
        """200 whatever the items came to: each says it for itself."""
        settings = self._settings
        body = await read_body(request, limit_bytes=settings.max_batch_bytes, seconds=settings.body_seconds)
        wanted = decode(body, BatchDocument)
        items = [self._item(one) for one in wanted.items]
        results = await self._batch(items, dry_run=wanted.dry_run)
        views = tuple(_view(item.msisdn, result) for item, result in zip(items, results, strict=True))
        refused = sum(view.outcome is Outcome.REFUSED for view in views)
        return document(BatchView(views, refused, wanted.dry_run))

    def _item(self, one: ItemDocument) -> Item:
        options = partial(options_of, self._provisioning, one.subscriber)
        return Item(one.action, parse_msisdn(one.msisdn), options)


def _view(msisdn: Msisdn, result: Result) -> ItemView:
    refusal: Refusal | None = result.refusal
    if refusal is None:
        return ItemView(msisdn, result.outcome)
    return ItemView(msisdn, result.outcome, refusal.code, str(refusal))
