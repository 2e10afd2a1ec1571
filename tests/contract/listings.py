# SPDX-License-Identifier: Apache-2.0
"""Every list that an operator can ask for, as the parts of its statement: a filter, and two together."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from tests.contract.samples import ALICE, NOW, SECOND
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, MailboxId, ProvisioningStatus
from vvm.store.conditions import Listing, of_audit, of_messages, of_subscribers
from vvm.store.port import AuditFilter, AuditPlace, MessageFilter, SubscriberFilter, SubscriberPlace

_SUBSCRIBERS: dict[str, Any] = {
    "status": ProvisioningStatus.BLOCKED,
    "cos": CosName("gold"),
    "language": "deu",
    "client_type": "vvm.apple",
    "prefix": "+33612",
    "changed_since": NOW,
}
_AUDIT: dict[str, Any] = {
    "msisdn": ALICE,
    "actor": "api:crm",
    "trigger": Trigger.CLOSED,
    "since": NOW - SECOND,
    "until": NOW + SECOND,
}
_MESSAGES: dict[str, Any] = {"folder": "Work", "seen": False, "caller": "123", "since": NOW}
_LIMIT = 50


def _some(fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(chosen) for size in (0, 1, 2) for chosen in combinations(fields.items(), size)]


def _name(what: str, fields: dict[str, Any], *, first: bool) -> str:
    return f"{'first' if first else 'next'} page of {what} by {' and '.join(fields) or 'nothing'}"


def listings() -> dict[str, Listing]:
    found = {}
    for first in (True, False):
        place = None if first else SubscriberPlace(ALICE, NOW)
        for fields in [*_some(_SUBSCRIBERS), {"cos": CosName("")}]:
            listing = of_subscribers(SubscriberFilter(**fields), place, _LIMIT)
            found[_name(f"subscribers {fields.get('cos')!r}", fields, first=first)] = listing
        for fields in _some(_AUDIT):
            older = None if first else AuditPlace(NOW, 7)
            found[_name("the audit", fields, first=first)] = of_audit(AuditFilter(**fields), older, _LIMIT)
        for fields in _some(_MESSAGES):
            listing = of_messages(MailboxId(1), MessageFilter(**fields), 0 if first else 7, _LIMIT)
            found[_name("messages", fields, first=first)] = listing
    return found
