# SPDX-License-Identifier: Apache-2.0
"""Entity tags (RFC 9110 section 8.8.3) and what a request may say of them (section 13).

A tag names a version that the store knows: the moment of the last change, a MODSEQ, or what was set.
What the caller had read is compared with what there is in the transaction of the change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from aiohttp import web

from vvm.domain.cos import Cos
from vvm.domain.device import Device
from vvm.domain.errors import PreconditionFailed
from vvm.domain.subscriber import Subscriber
from vvm.store.events import Webhook
from vvm.store.port import MessageRecord

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY = "*"
_DIGEST_BYTES = 16


class Conditions(msgspec.Struct, frozen=True):
    """If-Match and If-None-Match of a request; empty: it has none."""

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()

    @property
    def wants_it_there(self) -> bool:
        """It may change what there is, and create nothing."""
        return bool(self.match)

    @property
    def wants_it_new(self) -> bool:
        """It may create, and change nothing that there is."""
        return _ANY in self.none_match

    def allow(self, tag: str, version: T) -> T | None:
        """The version to compare with in the transaction, where ``tag`` is the tag of what there is.

        None: any version will do.  Weak tags match no If-Match.  Raises PreconditionFailed.
        """
        if self.match and _ANY not in self.match and tag not in self.match:
            raise PreconditionFailed
        if self.knows(tag):
            raise PreconditionFailed("it is there already")
        tags = (*self.match, *self.none_match)
        return version if any(given != _ANY for given in tags) else None

    def knows(self, tag: str) -> bool:
        """If-None-Match names it: weak tags compare equal."""
        return _ANY in self.none_match or tag in {given.removeprefix("W/") for given in self.none_match}


def conditions(request: web.Request) -> Conditions:
    return Conditions(_tags(request, "If-Match"), _tags(request, "If-None-Match"))


def tagged(response: web.Response, tag: str) -> web.Response:
    response.headers["ETag"] = tag
    return response


def shown(request: web.Request, response: web.Response, tag: str) -> web.Response:
    """The answer of a GET; 304 in its place for who has that version already."""
    return tagged(web.Response(status=304) if conditions(request).knows(tag) else response, tag)


def subscriber_tag(subscriber: Subscriber) -> str:
    return _tag([_microseconds(subscriber.changed_at)])


def cos_tag(cos: Cos) -> str:
    return _tag([_microseconds(cos.changed_at)])


def message_tag(message: MessageRecord) -> str:
    return _tag([message.identity, message.modseq])


def device_tag(device: Device) -> str:
    """Another one after each login."""
    return _tag([_microseconds(device.created_at), _microseconds(device.last_used_at)])


def webhook_tag(webhook: Webhook) -> str:
    """A digest, because its URL may hold a secret; that of the webhook makes it one nobody can guess from."""
    digest = hashlib.sha256(msgspec.msgpack.encode(webhook.terms)).digest()
    return _tag([digest[:_DIGEST_BYTES].hex()])


def _tag(parts: Iterable[object]) -> str:
    return f'"{".".join(map(str, parts))}"'


def _microseconds(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


def _tags(request: web.Request, header: str) -> tuple[str, ...]:
    """Cut at commas: one inside somebody else's tag makes two, and neither is ours."""
    return tuple(tag.strip() for line in request.headers.getall(header, ()) for tag in line.split(","))
