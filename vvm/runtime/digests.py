# SPDX-License-Identifier: Apache-2.0
"""One line a mailbox, by which two stores can be told to hold the same."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Store

_PAGE = 500


class MailboxDigest(msgspec.Struct, frozen=True):
    msisdn: Msisdn
    messages: int
    octets: int
    sha256: str
    """Of everything that a client sees, but UIDVALIDITY."""


async def digests(store: Store, *, octets: bool) -> AsyncIterator[MailboxDigest]:
    """Of every mailbox, by number; ``octets``: read each message whole.  Raises Outage."""
    async for subscriber in everybody(store):
        yield await mailbox_digest(store, subscriber, octets=octets)


async def everybody(store: Store) -> AsyncIterator[Subscriber]:
    """By number.  Raises Outage."""
    after: Msisdn | None = None
    while page := await store.subscribers.page(after=after, limit=_PAGE):
        for subscriber in page:
            yield subscriber
        after = page[-1].msisdn


async def mailbox_digest(store: Store, subscriber: Subscriber, *, octets: bool) -> MailboxDigest:
    """Of one mailbox, as it is while nobody writes into it; else of something in between.  Raises Outage."""
    found, messages, size = hashlib.sha256(), 0, 0
    found.update(msgspec.json.encode((subscriber.status, subscriber.imap_user, subscriber.language)))
    for folder in await store.folders.all(subscriber.mailbox):
        found.update(folder.name.encode())
        states = await store.mailboxes.states(subscriber.mailbox, folder.name)
        for state in states:
            for record in await store.mailboxes.messages(subscriber.mailbox, folder.name, [state.uid]):
                seen = (record.uid, int(record.flags), record.modseq, record.size, sorted(record.keywords))
                found.update(msgspec.msgpack.encode(seen))
                found.update(msgspec.msgpack.encode(record.layout))
                messages, size = messages + 1, size + record.size
            if octets:
                whole = await store.mailboxes.octets(subscriber.mailbox, folder.name, state.uid)
                found.update(b"" if whole is None else whole)
    return MailboxDigest(subscriber.msisdn, messages, size, found.hexdigest())
