# SPDX-License-Identifier: Apache-2.0
"""What Prometheus is shown, from the first scrape on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from tests.contract.samples import new_message, new_subscriber
from tests.peers.asterisk.recorder import RecordingDepositor
from vvm.domain.clock import FixedClock
from vvm.domain.errors import MailboxFull, Outage
from vvm.domain.message import INBOX, Envelope
from vvm.domain.notification import Cause, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.service import AsteriskFront
from vvm.fronts.asterisk.settings import AsteriskSettings
from vvm.fronts.http.access import access
from vvm.fronts.http.doors import RefusedConnections
from vvm.runtime.metrics import (
    BlobMetrics,
    FetchMetrics,
    ImapMetrics,
    NotificationMetrics,
    RetentionMetrics,
    SmsMetrics,
    StoreMetrics,
    new_metrics,
)
from vvm.runtime.scrape import AsteriskMetrics, OutboxMetrics
from vvm.runtime.webhooks import DeliveryMetrics
from vvm.services.sweeping import Sweeper
from vvm.store.blobs.cache import CachedBlobs
from vvm.store.blobs.key import new_key
from vvm.store.blobs.memory import MemoryBlobs
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.port import BlobDamaged
from vvm.store.blobs.settings import BlobSettings
from vvm.store.memory import MemoryStore
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.port import OutboxCounts, Settlement
from vvm.store.sqlite import open_sqlite

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ALICE = Msisdn("+33612345678")
ENVELOPE = Envelope(caller=None, received_at=NOW)


def shown(registry: CollectorRegistry) -> dict[str, float]:
    """Every sample, by its name with its labels."""
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_an_smsc_that_was_never_bound_is_shown_as_not_bound() -> None:
    registry = new_metrics().registry
    metrics = SmsMetrics(registry, ["east", "west"])
    metrics.bound("west", up=True)
    found = shown(registry)
    assert found['vvm_smsc_bound{smsc="east"}'] == 0
    assert found['vvm_smsc_bound{smsc="west"}'] == 1
    assert not [name for name in found if "_created" in name]


async def test_a_deposit_is_measured_by_its_front_and_its_end() -> None:
    metrics = new_metrics()
    depositor = RecordingDepositor()
    deposit = metrics.deposits.measured(depositor, "http")
    await deposit(ALICE, b"audio", ENVELOPE, key="one")
    await deposit(ALICE, b"audio", ENVELOPE, key="one")
    for failure in (MailboxFull(used=2, limit=2), Outage("away")):
        depositor.failure = failure
        with pytest.raises(type(failure)):
            await deposit(ALICE, b"audio", ENVELOPE, key="two")
    with pytest.raises(AssertionError):  # a defect: this depositor insists on a key
        await deposit(ALICE, b"audio", ENVELOPE)
    found = shown(metrics.registry)
    for outcome in ("stored", "repeated", "over_quota", "unavailable", "internal"):
        assert found[f'vvm_deposit_seconds_count{{front="http",outcome="{outcome}"}}'] == 1


async def test_every_commit_of_the_store_is_measured(tmp_path: Path) -> None:
    registry = new_metrics().registry
    async with open_sqlite(tmp_path / "vvm.db", StoreMetrics(registry)) as store:
        alice = await store.subscribers.create(new_subscriber(ALICE))
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    found = shown(registry)
    assert found["vvm_store_commit_seconds_count"] == found["vvm_store_commit_group_sum"] == 2


async def test_what_goes_to_blobs_and_comes_back_is_measured_where_they_lie(tmp_path: Path) -> None:
    registry = new_metrics().registry
    blobs = blob_store(BlobSettings(url=f"file://{tmp_path}/blobs"), BlobMetrics(registry))
    assert blobs is not None
    kept, damaged, absent = (new_key(b"audio") for _ in range(3))
    await blobs.put(kept, b"audio")
    assert await blobs.get(kept) == b"audio"
    assert await blobs.get(absent) is None
    (tmp_path / "blobs" / damaged[:3] / damaged).write_bytes(b"noise")
    with pytest.raises(BlobDamaged):
        await blobs.get(damaged)
    await blobs.delete([kept, absent])
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    (tmp_path / "blobs").write_text("no folder")
    with pytest.raises(Outage):
        await blobs.put(kept, b"audio")
    await blobs.close()
    found = shown(registry)
    counted = {
        (operation, outcome): found[
            f'vvm_blob_seconds_count{{backend="disk",operation="{operation}",outcome="{outcome}"}}'
        ]
        for operation, outcome in (
            ("put", "ok"),
            ("put", "unavailable"),
            ("get", "ok"),
            ("get", "absent"),
            ("get", "blob_damaged"),
            ("delete", "ok"),
        )
    }
    assert set(counted.values()) == {1}
    assert found['vvm_blob_octets_total{backend="disk",operation="put"}'] == 5
    assert found['vvm_blob_octets_total{backend="disk",operation="get"}'] == 5


async def test_the_cache_and_the_sweeper_say_what_they_do(tmp_path: Path) -> None:
    registry = new_metrics().registry
    metrics, clock = BlobMetrics(registry), FixedClock(NOW)
    source = MemoryBlobs(clock)
    cached = CachedBlobs(source, tmp_path / "cache", max_bytes=1000, metrics=metrics)
    kept, other = new_key(b"audio"), new_key(b"noise")
    await cached.put(kept, b"audio")
    await source.put(other, b"noise")
    for key in (kept, other, other):
        await cached.get(key)
    sweeper = Sweeper(cached, MemoryStore().blobs, clock=clock, age=timedelta(seconds=-1), metrics=metrics)
    assert (await sweeper.look()).deleted == 2
    found = shown(registry)
    assert found['vvm_blob_cache_total{outcome="hit"}'] == 2
    assert found['vvm_blob_cache_total{outcome="miss"}'] == 1
    assert found["vvm_blobs_swept_total"] == 2


def owed(due_at: datetime) -> Owed:
    return Owed(
        recipient=ALICE,
        subscriber=None,
        cause=Cause.STATUS,
        due_at=due_at,
        expires_at=NOW + timedelta(days=1),
    )


async def test_the_outbox_is_shown_as_the_store_has_it() -> None:
    outbox, clock = MemoryOutbox(), FixedClock(NOW)
    registry = new_metrics().registry
    metrics = OutboxMetrics(registry, outbox, clock=clock, seconds=1.0)
    await metrics.refresh()
    assert set(shown(registry).values()) >= {0.0}
    await outbox.owe([owed(NOW - timedelta(seconds=30))])
    await metrics.refresh()
    found = shown(registry)
    assert (found["vvm_outbox_owed"], found["vvm_outbox_oldest_due_seconds"]) == (1, 30)
    of_nobody = '{carrier=""}'
    assert found[f"vvm_outbox_carrier_owed{of_nobody}"] == 1
    assert found[f"vvm_outbox_carrier_oldest_due_seconds{of_nobody}"] == 30
    (row,) = await outbox.lease(now=NOW, lease=timedelta(minutes=1), limit=1)
    await outbox.settle(row, Settlement.FAILED, now=NOW)
    await metrics.refresh()
    found = shown(registry)
    assert (found["vvm_outbox_owed"], found["vvm_outbox_dead_letters"]) == (0, 1)
    assert found["vvm_outbox_oldest_due_seconds"] == 0
    assert f"vvm_outbox_carrier_owed{of_nobody}" not in found


class OutboxAway(MemoryOutbox):
    """The store does not answer."""

    async def counts(self) -> OutboxCounts:
        raise Outage("disk on fire")


async def test_what_the_store_does_not_answer_is_shown_as_unknown() -> None:
    registry = new_metrics().registry
    await OutboxMetrics(registry, OutboxAway(), clock=FixedClock(NOW), seconds=1.0).refresh()
    assert generate_latest(registry).decode().count(" NaN") == 3


def test_a_media_node_is_shown_before_its_first_call(tmp_path: Path) -> None:
    registry = new_metrics().registry
    settings = AsteriskSettings(spool=str(tmp_path))
    clock = FixedClock(NOW)
    front = AsteriskFront(settings, Secret("secret"), RecordingDepositor(), clock=clock)
    registry.register(AsteriskMetrics(front))
    front.delivery.refuse("key", "bad_audio")
    found = shown(registry)
    assert found["vvm_ari_connected"] == found["vvm_spool_waiting"] == found["vvm_spool_failures_total"] == 0
    assert found['vvm_recordings_total{outcome="refused"}'] == 1
    assert found['vvm_recordings_total{outcome="delivered"}'] == 0


def every_name(tmp_path: Path) -> set[str]:
    """The names of all figures, as Prometheus has them without the suffixes of a histogram."""
    metrics = new_metrics()
    registry = metrics.registry
    ImapMetrics(registry)
    SmsMetrics(registry, [])
    NotificationMetrics(registry)
    FetchMetrics(registry)
    StoreMetrics(registry)
    BlobMetrics(registry)
    RetentionMetrics(registry)
    OutboxMetrics(registry, MemoryOutbox(), clock=FixedClock(NOW), seconds=1.0)
    access(registry)
    RefusedConnections(registry)
    DeliveryMetrics(registry)
    settings = AsteriskSettings(spool=str(tmp_path))
    front = AsteriskFront(settings, Secret("secret"), RecordingDepositor(), clock=FixedClock(NOW))
    registry.register(AsteriskMetrics(front))
    return {
        f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in registry.collect()
    }


def test_every_figure_is_explained_and_no_other(tmp_path: Path) -> None:
    text = Path("docs/operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(vvm_\w+)`", text, re.MULTILINE)) == every_name(tmp_path)


def test_alarms_look_at_figures_that_there_are(tmp_path: Path) -> None:
    text = Path("conf/prometheus/alerts.yml").read_text(encoding="utf-8")
    named = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"vvm_\w+", text)}
    assert len(named) > 5
    assert named <= every_name(tmp_path)


def test_the_times_of_commands_are_a_histogram_by_command_and_outcome() -> None:
    registry = CollectorRegistry()
    metrics = ImapMetrics(registry)
    for seconds in (0.0001, 0.0005, 0.0006, 1.5, 60.0):
        metrics.command("UID FETCH", "ok", seconds)
    metrics.command("UID FETCH", "no", 0.25)
    name, labels = "vvm_imap_command_seconds", {"command": "UID FETCH", "outcome": "ok"}
    for at_most, count in (("0.0005", 2), ("0.001", 3), ("0.5", 3), ("2.0", 4), ("+Inf", 5)):
        assert registry.get_sample_value(f"{name}_bucket", labels | {"le": at_most}) == count
    assert registry.get_sample_value(f"{name}_count", labels) == 5
    assert registry.get_sample_value(f"{name}_sum", labels) == pytest.approx(61.5012)
    assert registry.get_sample_value(f"{name}_count", labels | {"outcome": "no"}) == 1
