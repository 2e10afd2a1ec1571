# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers:batch``: many changes in one request, each with a result of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from vvm.domain.access import Scope
from vvm.domain.errors import Refusal
from vvm.domain.form import fault_of
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.fronts.http.answers import document
from vvm.fronts.http.auth import CALLER, Forbidden
from vvm.fronts.http.body import decode, read_body, read_json
from vvm.fronts.http.fields import E164, Reason
from vvm.fronts.http.problems import BadRequest
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import SubscriberDocument, options_of
from vvm.services.batch import LIMIT, Batch, Item, Outcome, Result, Verb
from vvm.services.provisioning import Provisioning
from vvm.services.standing import Standing, standing_of

_FAULTS = 100
"""Of the items that have not the form, so many are told one by one."""


class ItemDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: Verb
    msisdn: E164
    subscriber: SubscriberDocument = SubscriberDocument()
    """As the body of PUT and PATCH; a deletion has none, nor what follows."""
    aliases: tuple[E164, ...] | None = None
    """All its further numbers."""
    held: bool | None = None
    closed: bool | None = None
    closing_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When it goes if it is closed; when the grace is over where nothing is said."""
    reason: Reason = ""

    def standing(self) -> Standing:
        """Raises InvalidNumber."""
        return standing_of(self.aliases, held=self.held, closed=self.closed, closing_at=self.closing_at)


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
        wanted = _decoded(body)
        if any(one.held is not None for one in wanted.items) and Scope.HOLD not in request[CALLER].scopes:
            raise Forbidden(f"this token has no {Scope.HOLD}")
        items = [self._item(one) for one in wanted.items]
        results = await self._batch(items, dry_run=wanted.dry_run)
        views = tuple(_view(item.msisdn, result) for item, result in zip(items, results, strict=True))
        refused = sum(view.outcome is Outcome.REFUSED for view in views)
        return document(BatchView(views, refused, wanted.dry_run))

    def _item(self, one: ItemDocument) -> Item:
        options = partial(options_of, self._provisioning, one.subscriber)
        return Item(one.action, parse_msisdn(one.msisdn), options, one.standing(), one.reason)


def _decoded(body: bytes) -> BatchDocument:
    """Raises BadRequest, which names all that is wrong and not only the first of it."""
    try:
        return decode(body, BatchDocument)
    except BadRequest as first:
        faults = list(_faults(body))
        if not faults:
            raise
        told = faults[:_FAULTS] + [f"and {len(faults) - _FAULTS} more"] * (len(faults) > _FAULTS)
        raise BadRequest("; ".join(told)) from first


def _faults(body: bytes) -> Iterator[str]:
    """What each item has that it must not have."""
    try:
        document = read_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    items = document.get("items") if isinstance(document, dict) else None
    for place, item in enumerate(items[:LIMIT] if isinstance(items, list) else ()):
        try:
            msgspec.convert(item, ItemDocument)
        except msgspec.ValidationError as error:
            fault = fault_of(error, ItemDocument)
            where = f"items[{place}].{fault.where}".rstrip(".")
            yield str(msgspec.structs.replace(fault, where=where))


def may_be_repeated(body: bytes) -> bool:
    """Whether a batch does the same twice as once.

    Each of its items does, but a number that is removed and then created is another subscriber the
    second time, with what has come in since.
    """
    try:
        items = decode(body, BatchDocument).items
    except BadRequest:
        return True  # refused whenever it comes
    removed: set[str] = set()
    for item in items:
        if item.action is Verb.CREATE and item.msisdn in removed:
            return False
        if item.action is Verb.DELETE:
            removed.add(item.msisdn)
    return True


def _view(msisdn: Msisdn, result: Result) -> ItemView:
    refusal: Refusal | None = result.refusal
    if refusal is None:
        return ItemView(msisdn, result.outcome)
    return ItemView(msisdn, result.outcome, refusal.code, str(refusal))
