# SPDX-License-Identifier: Apache-2.0
"""Who changes or ends a subscriber names it by its own number: it must not hit another line."""

from __future__ import annotations

from vvm.domain.errors import IsAlias, UnknownSubscriber
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.store.port import SubscriberStore


async def by_own_number(subscribers: SubscriberStore, msisdn: Msisdn) -> Subscriber:
    """Raises UnknownSubscriber, and IsAlias for a further number."""
    found = await subscribers.by_msisdn(msisdn)
    if found is None:
        raise UnknownSubscriber
    if found.msisdn != msisdn:
        raise IsAlias
    return found
