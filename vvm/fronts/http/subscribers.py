# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers``: provisioning by an operator's systems, which repeat requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from vvm.domain.client import (
    CLIENT_TYPE_LENGTH,
    LEAST_VERSION,
    LINE_PATTERN,
    LINE_RULE,
    MAX_PORT,
    MOST_VERSION,
    SOURCE_PATTERN,
    SOURCE_RULE,
)
from vvm.domain.errors import PreconditionFailed, SubscriberExists, UnknownSubscriber
from vvm.domain.numbers import Msisdn
from vvm.domain.prefix import PREFIX_PATTERN, PREFIX_RULE
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import (
    ClientProfile,
    CosName,
    Dialect,
    Fallback,
    Manners,
    ProvisioningStatus,
    SmsCoding,
    Subscriber,
)
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import conditions, shown, subscriber_tag, tagged
from vvm.fronts.http.request import (
    path_msisdn,
    query_choice,
    query_cursor,
    query_limit,
    query_moment,
    query_prefix,
    query_text,
)
from vvm.fronts.http.settings import HttpSettings
from vvm.services.lists import Lists
from vvm.services.paging import Page
from vvm.services.provisioning import MAX_MESSAGES_LIMIT, Provisioning, SubscriberOptions
from vvm.store.port import SubscriberFilter

FILTERS = ("status", "cos", "language", "client_type", "changed_since", "prefix")
"""What a query of the list may ask for."""
_WORD = 40
"""The longest name that a filter may have."""


class ClientDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a client's profile; what is left out stays."""

    dialect: Dialect | None = None
    protocol_version: Annotated[int, msgspec.Meta(ge=LEAST_VERSION, le=MOST_VERSION)] | None = None
    client_type: (
        Annotated[
            str,
            msgspec.Meta(max_length=CLIENT_TYPE_LENGTH, pattern=LINE_PATTERN, description=LINE_RULE),
        ]
        | None
    ) = None
    port: Annotated[int, msgspec.Meta(ge=0, le=MAX_PORT)] | None = None
    """Application port of server SMS, 0 for none."""
    prefix: Annotated[str, msgspec.Meta(pattern=PREFIX_PATTERN, description=PREFIX_RULE)] | None = None
    """See vvm.domain.prefix."""
    coding: SmsCoding | None = None
    source: Annotated[str, msgspec.Meta(pattern=SOURCE_PATTERN, description=SOURCE_RULE)] | None = None
    """The short code that server SMS come from; empty for vvm.service_number."""
    manners: Manners | None = None
    """What it may do over IMAP (docs/imap.md)."""

    def applied_to(self, client: ClientProfile) -> ClientProfile:
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(client, **said)


class SubscriberDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of PUT and PATCH; what is left out has its default, or stays."""

    language: Annotated[str, msgspec.Meta(max_length=36)] | None = None
    max_messages: Annotated[int, msgspec.Meta(ge=1, le=MAX_MESSAGES_LIMIT)] | None = None
    setup_done: bool | None = None
    blocked: bool | None = None
    fallback: Fallback | None = None
    cos: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    """The class of service, "" for none."""
    carrier: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    """A carrier profile to start from; ``client`` then changes that."""
    client: ClientDocument | None = None
    pin: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    """A new PIN of the telephone menus; no answer ever repeats it."""

    def options(self, client: ClientProfile) -> SubscriberOptions:
        """For the service, with ``client`` as the profile that is changed."""
        changed = self.client.applied_to(client) if self.client else client
        return SubscriberOptions(
            language=self.language,
            max_messages=self.max_messages,
            setup_done=self.setup_done,
            blocked=self.blocked,
            fallback=self.fallback,
            cos=None if self.cos is None else CosName(self.cos),
            client=changed if self.client or self.carrier else None,
            pin=None if self.pin is None else Secret(self.pin),
        )


class SubscriberView(msgspec.Struct, frozen=True):
    """What is told of a subscriber.  There is no password in it, in any form."""

    msisdn: Msisdn
    status: ProvisioningStatus
    language: str
    max_messages: int
    setup_done: bool
    fallback: Fallback
    cos: CosName | None
    held: bool
    """A legal hold lies on it."""
    closing_at: datetime | None
    """It is closed, and goes then; null otherwise."""
    client: ClientProfile
    imap_user: str
    created_at: datetime
    changed_at: datetime


class SubscriberPage(msgspec.Struct, frozen=True):
    subscribers: tuple[SubscriberView, ...]
    next: str | None
    """``cursor`` of the next page; null at the end."""


class SubscriberRoutes:
    def __init__(
        self,
        provisioning: Provisioning,
        lists: Lists,
        settings: HttpSettings,
        *,
        default_client: ClientProfile,
    ) -> None:
        self._provisioning = provisioning
        self._lists = lists
        self._settings = settings
        self._default_client = default_client

    async def page(self, request: web.Request) -> web.Response:
        cos = query_text(request, "cos", most=_WORD)
        wanted = SubscriberFilter(
            status=query_choice(request, "status", ProvisioningStatus),
            cos=None if cos is None else CosName(cos),
            language=query_text(request, "language", most=_WORD),
            client_type=query_text(request, "client_type", most=_WORD),
            prefix=query_prefix(request, "prefix"),
            changed_since=query_moment(request, "changed_since"),
        )
        found = await self._lists.subscribers(
            wanted, cursor=query_cursor(request), limit=query_limit(request)
        )
        return document(page_view(found))

    async def put(self, request: web.Request) -> web.Response:
        """Create, or change what the body names: the same PUT again changes nothing more."""
        msisdn = path_msisdn(request)
        wanted = await self._wanted(request)
        if conditions(request).wants_it_there:
            try:
                return await self._changed(request, msisdn, wanted)
            except UnknownSubscriber:
                raise PreconditionFailed("it is not there") from None
        try:
            subscriber = await self._provisioning.create(msisdn, self._options(wanted, self._default_client))
        except SubscriberExists:
            return await self._changed(request, msisdn, wanted)
        answer = created(view(subscriber), location=f"/v1/subscribers/{msisdn}")
        return tagged(answer, subscriber_tag(subscriber))

    async def show(self, request: web.Request) -> web.Response:
        subscriber = await self._provisioning.show(path_msisdn(request))
        return shown(request, document(view(subscriber)), subscriber_tag(subscriber))

    async def patch(self, request: web.Request) -> web.Response:
        msisdn = path_msisdn(request)
        return await self._changed(request, msisdn, await self._wanted(request))

    async def remove(self, request: web.Request) -> web.Response:
        msisdn = path_msisdn(request)
        before = await self._provisioning.show(msisdn)
        decided_at = conditions(request).allow(subscriber_tag(before), before.changed_at)
        await self._provisioning.remove(msisdn, decided_at=decided_at)
        return web.Response(status=204)

    async def _wanted(self, request: web.Request) -> SubscriberDocument:
        settings = self._settings
        body = await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
        return decode(body, SubscriberDocument)

    async def _changed(
        self, request: web.Request, msisdn: Msisdn, wanted: SubscriberDocument
    ) -> web.Response:
        before = await self._provisioning.show(msisdn)
        decided_at = conditions(request).allow(subscriber_tag(before), before.changed_at)
        options = self._options(wanted, before.client)
        after = await self._provisioning.change(msisdn, options, decided_at=decided_at)
        return tagged(document(view(after)), subscriber_tag(after))

    def _options(self, wanted: SubscriberDocument, client: ClientProfile) -> SubscriberOptions:
        return options_of(self._provisioning, wanted, client)


def options_of(
    provisioning: Provisioning, wanted: SubscriberDocument, client: ClientProfile
) -> SubscriberOptions:
    """What is wanted, from a client that is known.  Raises UnknownCarrier."""
    start = provisioning.client_of(wanted.carrier) if wanted.carrier else client
    return wanted.options(start)


def page_view(page: Page[Subscriber]) -> SubscriberPage:
    return SubscriberPage(tuple(map(view, page.items)), page.next)


def view(subscriber: Subscriber) -> SubscriberView:
    return SubscriberView(
        msisdn=subscriber.msisdn,
        status=subscriber.status,
        language=subscriber.language,
        max_messages=subscriber.max_messages,
        setup_done=subscriber.setup_done,
        fallback=subscriber.fallback,
        cos=subscriber.cos or None,
        held=subscriber.held,
        closing_at=None if subscriber.closing is None else subscriber.closing.at,
        client=subscriber.client,
        imap_user=subscriber.imap_user,
        created_at=subscriber.created_at,
        changed_at=subscriber.changed_at,
    )
