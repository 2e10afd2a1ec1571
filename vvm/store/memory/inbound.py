# SPDX-License-Identifier: Apache-2.0
"""The InboundStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count

from vvm.domain.errors import UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.memory.subscribers import MemorySubscribers
from vvm.store.port import Inbound, NewInbound, NewInboundSegment, SubscriberChange


class MemoryInbound:
    def __init__(self, subscribers: MemorySubscribers, outbox: MemoryOutbox) -> None:
        self._subscribers = subscribers
        self._outbox = outbox
        self._kept: dict[int, Inbound] = {}
        self._pending: dict[int, Inbound] = {}
        self._named: dict[str, datetime] = {}
        """When the key of a named one was received."""
        self._last: dict[str, tuple[str, datetime]] = {}
        """Key and time of the last SMS of an originator."""
        self._ids = count(1)
        self._segments: dict[str, dict[int, NewInboundSegment]] = {}

    async def save_segment(self, segment: NewInboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        self._forget_expired(segment.received_at)
        pieces = self._segments.setdefault(segment.key, {})
        pieces[segment.number] = segment
        for begin, most in ((segment.handset, each), ("", limit)):
            kept = [key for key in self._segments if key.startswith(begin)]
            if len(kept) > most:
                others = (key for key in kept if key != segment.key)
                del self._segments[min(others, key=self._expires_at, default=segment.key)]
        if len(pieces) < segment.total:
            return ()
        return [pieces[number].octets for number in sorted(pieces)]

    async def save(self, sms: NewInbound) -> bool:
        self._segments.pop(sms.segments_key, None)
        if self._repeats(sms):
            return False
        if sms.named:
            self._named[sms.key] = sms.received_at
        self._last[sms.originator] = (sms.key, sms.received_at)
        saved = Inbound(
            id=next(self._ids),
            originator=sms.originator,
            destination=sms.destination,
            text=sms.text,
            received_at=sms.received_at,
        )
        self._kept[saved.id] = self._pending[saved.id] = saved
        return True

    def _repeats(self, sms: NewInbound) -> bool:
        if sms.named:
            heard = self._named.get(sms.key)
        else:
            key, at = self._last.get(sms.originator, ("", sms.received_at))
            heard = at if key == sms.key else None
        return heard is not None and sms.repeats_since is not None and heard >= sms.repeats_since

    async def pending(self, *, limit: int) -> Sequence[Inbound]:
        return list(self._pending.values())[:limit]

    async def settle(
        self,
        sms: int,
        *,
        msisdn: Msisdn | None,
        change: SubscriberChange | None,
        owed: Sequence[Owed],
    ) -> None:
        if sms not in self._pending:
            return
        if msisdn is not None and await self._subscribers.by_msisdn(msisdn) is None:
            raise UnknownSubscriber
        del self._pending[sms]
        if msisdn is not None and change is not None:
            await self._subscribers.change(msisdn, change)
        self._outbox.add(owed)

    def _expires_at(self, key: str) -> datetime:
        return max(piece.expires_at for piece in self._segments[key].values())

    def _forget_expired(self, now: datetime) -> None:
        for key, pieces in list(self._segments.items()):
            for number, piece in list(pieces.items()):
                if piece.expires_at <= now:
                    del pieces[number]
            if not pieces:
                del self._segments[key]

    async def history(self, originator: str, *, limit: int) -> Sequence[Inbound]:
        return [sms for sms in self._kept.values() if sms.originator == originator][-limit:]

    async def forget(self, *, before: datetime, limit: int) -> int:
        self._named = {key: at for key, at in self._named.items() if at >= before}
        self._last = {sender: last for sender, last in self._last.items() if last[1] >= before}
        settled = (sms for sms in self._kept.values() if sms.id not in self._pending)
        old = [sms.id for sms in settled if sms.received_at < before]
        for row in old[:limit]:
            del self._kept[row]
        return len(old[:limit])
