# SPDX-License-Identifier: Apache-2.0
"""The ListStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence

from vvm.domain.message import Flags
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.subscribers import MemorySubscribers
from vvm.store.port import (
    AuditFilter,
    AuditPlace,
    AuditRecord,
    MessageFilter,
    MessageRecord,
    SubscriberFilter,
    SubscriberPlace,
)

_EVERYBODY = 2**31


class MemoryLists:
    def __init__(self, subscribers: MemorySubscribers, mailboxes: MemoryMailboxes) -> None:
        self._subscribers = subscribers
        self._mailboxes = mailboxes

    async def subscribers(
        self, wanted: SubscriberFilter, *, after: SubscriberPlace | None, limit: int
    ) -> Sequence[Subscriber]:
        everybody = await self._subscribers.page(after=None, limit=_EVERYBODY)
        found = [one for one in everybody if _is_wanted(one, wanted)]
        if wanted.changed_since is None:
            return [one for one in found if after is None or one.msisdn > after.msisdn][:limit]
        found.sort(key=_change)
        place = None if after is None else (after.changed_at, after.msisdn)
        return [one for one in found if place is None or _change(one) > place][:limit]

    async def audit(
        self, wanted: AuditFilter, *, after: AuditPlace | None, limit: int
    ) -> Sequence[AuditRecord]:
        newest = sorted(self._subscribers.records(), key=_place, reverse=True)
        place = None if after is None else (after.at, after.id)
        behind = [one for one in newest if place is None or _place(one) < place]
        return [one for one in behind if _is_asked_for(one, wanted)][:limit]

    async def messages(
        self, mailbox: MailboxId, wanted: MessageFilter, *, after: int, limit: int
    ) -> Sequence[MessageRecord]:
        states = await self._mailboxes.states(mailbox, wanted.folder)
        uids = [state.uid for state in states if state.uid > after]
        records = await self._mailboxes.messages(mailbox, wanted.folder, uids)
        return [
            one
            for one in records
            if wanted.seen in {None, Flags.SEEN in one.flags}
            and wanted.caller in {None, one.caller or ""}
            and (wanted.since is None or one.received_at >= wanted.since)
        ][:limit]


def _is_wanted(one: Subscriber, wanted: SubscriberFilter) -> bool:
    return (
        wanted.status in {None, one.status}
        and wanted.cos in {None, one.cos}
        and wanted.language in {None, one.language}
        and wanted.client_type in {None, one.client.client_type}
        and one.msisdn.startswith(wanted.prefix)
        and (wanted.changed_since is None or one.changed_at >= wanted.changed_since)
    )


def _change(one: Subscriber) -> tuple[object, ...]:
    return one.changed_at, one.msisdn


def _is_asked_for(one: AuditRecord, wanted: AuditFilter) -> bool:
    entry = one.entry
    return (
        wanted.msisdn in {None, entry.msisdn}
        and wanted.actor in {None, entry.actor}
        and wanted.trigger in {None, entry.trigger}
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
    )


def _place(one: AuditRecord) -> tuple[object, ...]:
    return one.entry.at, one.id
