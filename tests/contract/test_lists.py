# SPDX-License-Identifier: Apache-2.0
"""What ListStore promises: a filtered list is the whole list, filtered, however it is cut into pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.adapters import STORES, parameters
from tests.contract.samples import ALICE, MINUTE, NOW, SECOND, new_message, new_subscriber
from vvm.domain.actor import acting_as
from vvm.domain.cos import Cos, Limits
from vvm.domain.message import INBOX, Flags
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ClientProfile, CosName, ProvisioningStatus, Subscriber
from vvm.store.port import (
    AuditFilter,
    AuditPlace,
    AuditRecord,
    MessageFilter,
    MessageRecord,
    Store,
    SubscriberChange,
    SubscriberFilter,
    SubscriberPlace,
)

PROVISIONED, READY, BLOCKED = (
    ProvisioningStatus.PROVISIONED,
    ProvisioningStatus.READY,
    ProvisioningStatus.BLOCKED,
)
GOLD, NO_CLASS = CosName("gold"), CosName("")
PROPERTY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
MOMENTS = [NOW + number * MINUTE for number in range(6)]


@pytest.fixture(params=parameters(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with STORES[request.param](tmp_path) as opened:
        await populate(opened)
        yield opened


async def populate(store: Store) -> None:
    """Thirty subscribers, no two alike, changed by several hands at several times; one with messages."""
    await store.cos.put(Cos(GOLD, Limits(), NOW))
    for number in range(30):
        msisdn = Msisdn(f"+{33 if number % 3 else 44}6{number:05}")
        new = new_subscriber(
            msisdn,
            status=[PROVISIONED, BLOCKED][number % 5 == 0],
            language=["eng", "fra", "deu"][number % 3],
            cos=[NO_CLASS, GOLD][number % 4 == 1],
            client=ClientProfile(client_type=["", "vvm.apple", 'odd "one" \\ \u00e9'][number % 7 % 3]),
            created_at=MOMENTS[number % 3],
        )
        with acting_as(["", "api:crm", "cli:root"][number % 3]):
            await store.subscribers.create(new)
        if number % 2:
            change = SubscriberChange(
                changed_at=MOMENTS[3 + number % 3], status=READY, trigger=Trigger.ACTIVATE
            )
            with acting_as("api:crm" if number % 4 == 1 else ""):
                await store.subscribers.change(msisdn, change)
    alice = await store.subscribers.create(new_subscriber(ALICE))
    for number in range(20):
        message = msgspec.structs.replace(
            new_message(),
            caller=[None, "+33698765432", "123"][number % 3],
            received_at=MOMENTS[number % 6],
            flags=[Flags(0), Flags.SEEN, Flags.FLAGGED, Flags.SEEN | Flags.ANSWERED][number % 4],
        )
        await store.mailboxes.append(alice.mailbox, INBOX, message)
    await store.folders.create(alice.mailbox, "Work", at=NOW, most=9)
    await store.folders.copy(alice.mailbox, INBOX, [3, 4, 5, 6], "Work")


async def subscribers(store: Store, wanted: SubscriberFilter, limit: int) -> list[Subscriber]:
    found: list[Subscriber] = []
    place: SubscriberPlace | None = None
    while page := await store.lists.subscribers(wanted, after=place, limit=limit):
        assert len(page) <= limit
        found += page
        place = SubscriberPlace(page[-1].msisdn, page[-1].changed_at)
    return found


async def audit(store: Store, wanted: AuditFilter, limit: int) -> list[AuditRecord]:
    found: list[AuditRecord] = []
    place: AuditPlace | None = None
    while page := await store.lists.audit(wanted, after=place, limit=limit):
        assert len(page) <= limit
        found += page
        place = AuditPlace(page[-1].entry.at, page[-1].id)
    return found


async def messages(store: Store, wanted: MessageFilter, limit: int) -> list[MessageRecord]:
    alice = await store.subscribers.by_msisdn(ALICE)
    assert alice is not None
    found: list[MessageRecord] = []
    while page := await store.lists.messages(
        alice.mailbox, wanted, after=found[-1].uid if found else 0, limit=limit
    ):
        assert len(page) <= limit
        found += page
    return found


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


SUBSCRIBER_FILTERS = st.builds(
    SubscriberFilter,
    status=maybe(st.sampled_from(ProvisioningStatus)),
    cos=maybe(st.sampled_from([GOLD, NO_CLASS, CosName("none such")])),
    language=maybe(st.sampled_from(["eng", "fra", "none such"])),
    client_type=maybe(st.sampled_from(["", "vvm.apple", 'odd "one" \\ \u00e9', "none such"])),
    prefix=st.sampled_from(["", "+", "+33", "+336000", "+33600001", "+446", "+5"]),
    changed_since=maybe(st.sampled_from([*MOMENTS, MOMENTS[3] + SECOND])),
)
AUDIT_FILTERS = st.builds(
    AuditFilter,
    msisdn=maybe(st.sampled_from([ALICE, Msisdn("+33600001"), Msisdn("+33600009")])),
    actor=maybe(st.sampled_from(["", "api:crm", "cli:root", "api:none such"])),
    trigger=maybe(st.sampled_from([Trigger.CREATED, Trigger.ACTIVATE, Trigger.REMOVED])),
    since=maybe(st.sampled_from(MOMENTS)),
    until=maybe(st.sampled_from(MOMENTS)),
)
MESSAGE_FILTERS = st.builds(
    MessageFilter,
    folder=st.sampled_from([INBOX, "Work", "None such"]),
    seen=maybe(st.booleans()),
    caller=maybe(st.sampled_from(["", "123", "+33698765432", "456"])),
    since=maybe(st.sampled_from(MOMENTS)),
)
LIMITS = st.integers(1, 40)


def is_wanted(one: Subscriber, wanted: SubscriberFilter) -> bool:
    return all(
        (
            wanted.status is None or one.status is wanted.status,
            wanted.cos is None or one.cos == wanted.cos,
            wanted.language is None or one.language == wanted.language,
            wanted.client_type is None or one.client.client_type == wanted.client_type,
            one.msisdn.startswith(wanted.prefix),
            wanted.changed_since is None or one.changed_at >= wanted.changed_since,
        )
    )


@given(wanted=SUBSCRIBER_FILTERS, limit=LIMITS)
@PROPERTY
async def test_filtered_subscribers_are_all_subscribers_filtered(
    store: Store, wanted: SubscriberFilter, limit: int
) -> None:
    everybody = [one for one in await store.subscribers.page(after=None, limit=100) if is_wanted(one, wanted)]
    if wanted.changed_since is not None:
        everybody.sort(key=lambda one: (one.changed_at, one.msisdn))
    assert await subscribers(store, wanted, limit) == everybody


@given(wanted=AUDIT_FILTERS, limit=LIMITS)
@PROPERTY
async def test_the_filtered_audit_is_the_audit_filtered(
    store: Store, wanted: AuditFilter, limit: int
) -> None:
    whole = await store.lists.audit(AuditFilter(), after=None, limit=1000)
    assert [(one.entry.at, one.id) for one in whole] == sorted(
        ((one.entry.at, one.id) for one in whole), reverse=True
    )
    assert await audit(store, wanted, limit) == [
        one
        for one in whole
        if (wanted.msisdn is None or one.entry.msisdn == wanted.msisdn)
        and (wanted.actor is None or one.entry.actor == wanted.actor)
        and (wanted.trigger is None or one.entry.trigger is wanted.trigger)
        and (wanted.since is None or one.entry.at >= wanted.since)
        and (wanted.until is None or one.entry.at < wanted.until)
    ]


@given(wanted=MESSAGE_FILTERS, limit=LIMITS)
@PROPERTY
async def test_filtered_messages_are_the_messages_of_a_folder_filtered(
    store: Store, wanted: MessageFilter, limit: int
) -> None:
    alice = await store.subscribers.by_msisdn(ALICE)
    assert alice is not None
    states = await store.mailboxes.states(alice.mailbox, wanted.folder)
    whole = await store.mailboxes.messages(alice.mailbox, wanted.folder, [state.uid for state in states])
    assert await messages(store, wanted, limit) == [
        one
        for one in whole
        if (wanted.seen is None or (Flags.SEEN in one.flags) is wanted.seen)
        and (wanted.caller is None or (one.caller or "") == wanted.caller)
        and (wanted.since is None or one.received_at >= wanted.since)
    ]


async def test_who_changes_while_changes_are_read_comes_once_more(store: Store) -> None:
    wanted = SubscriberFilter(changed_since=NOW)
    first, *others = await store.lists.subscribers(wanted, after=None, limit=100)
    change = SubscriberChange(changed_at=NOW + timedelta(days=1), language="spa")
    changed = await store.subscribers.change(first.msisdn, change)
    rest = await store.lists.subscribers(
        wanted, after=SubscriberPlace(first.msisdn, first.changed_at), limit=100
    )
    assert rest == [*others, changed]


async def test_the_audit_tells_who_did_it_and_a_handset_is_nobody(store: Store) -> None:
    msisdn = Msisdn("+33600001")
    entries = [one.entry for one in await store.lists.audit(AuditFilter(msisdn=msisdn), after=None, limit=9)]
    assert [(entry.trigger, entry.actor) for entry in entries] == [
        (Trigger.ACTIVATE, "api:crm"),
        (Trigger.CREATED, "api:crm"),
    ]
    with acting_as("cli:root"):
        await store.subscribers.remove(msisdn, at=NOW + timedelta(days=1))
    ((removed),) = await store.lists.audit(AuditFilter(trigger=Trigger.REMOVED), after=None, limit=9)
    assert (removed.entry.msisdn, removed.entry.actor) == (msisdn, "cli:root")


async def test_entries_of_one_instant_are_told_apart(store: Store) -> None:
    at, numbers = NOW + timedelta(days=2), count(1)
    for _ in range(5):
        await store.subscribers.create(new_subscriber(Msisdn(f"+4911{next(numbers):05}"), created_at=at))
    found = await audit(store, AuditFilter(since=at), 2)
    assert [one.entry.msisdn[-1] for one in found] == ["5", "4", "3", "2", "1"]
