# SPDX-License-Identifier: Apache-2.0
"""What follows from a status, and how fast and how soon."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sms_gateway import policy
from sms_gateway.backoff import doubling, jittered
from sms_gateway.errors import NotSent
from sms_gateway.pace import Pace
from sms_gateway.port import Outcome, Refused, Retry
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.smpp.status import Action
from sms_gateway.throttle import Throttle

SETTINGS = SmscSettings(
    hold_first_seconds=30, hold_last_seconds=600, retry_first_seconds=10, retry_last_seconds=600
)


def outcome(status: int, attempt: int = 0, overrides: dict[int, Action] | None = None) -> Outcome:
    return policy.after_rejection(
        status,
        smpp_status.action(status, overrides or {}),
        attempt=attempt,
        pause_seconds=2.0,
        settings=SETTINGS,
    )


def test_throttling_is_not_the_messages_fault() -> None:
    assert outcome(0x58) == Retry(timedelta(seconds=2), 0x58, counted=False)


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 30), (1, 60), (2, 120), (5, 600), (1000, 600)])
def test_a_full_queue_holds_its_recipient_ever_longer(attempt: int, seconds: int) -> None:
    assert outcome(0x14, attempt) == Retry(timedelta(seconds=seconds), 0x14, counted=True)


@pytest.mark.parametrize("status", [0x08, 0x64, 0x45, 0x400, 0x40B, 0x4FF, 0xFF, 0x12345678])
def test_temporary_vendor_and_unheard_of_errors_are_tried_again_and_counted(status: int) -> None:
    assert outcome(status, 1) == Retry(timedelta(seconds=20), status, counted=True)


@pytest.mark.parametrize("status", [0x0A, 0x0B, 0x48, 0x49, 0x50, 0x51, 0x01, 0x03, 0x43, 0x61, 0x62])
def test_errors_that_would_come_again_are_final(status: int) -> None:
    refused = outcome(status)
    assert isinstance(refused, Refused)
    assert refused.status == status


def test_a_bind_that_the_smsc_forgot_costs_the_message_nothing() -> None:
    assert smpp_status.action(0x04, {}) is Action.REBIND
    assert outcome(0x04) == Retry(timedelta(seconds=1), 0x04, counted=False)


def test_a_carriers_own_table_goes_first() -> None:
    overrides = SmscSettings(status_actions={"0x40B": Action.REFUSE, "11": Action.LATER}).overrides()
    assert outcome(0x40B, overrides=overrides) == Refused(0x40B, reason="smsc_0x040b")
    assert isinstance(outcome(0x0B, overrides=overrides), Retry)


def test_what_was_never_written_is_tried_at_once_and_what_was_is_counted() -> None:
    assert policy.not_sent() == Retry(timedelta(0), None, counted=False)
    assert policy.unknown(SETTINGS) == Retry(timedelta(seconds=5), None, counted=True)


@pytest.mark.parametrize(("status", "slow"), [(0x0E, True), (0x0F, True), (0x0D, False), (0x05, False)])
def test_only_credentials_make_a_bind_slow(status: int, *, slow: bool) -> None:
    assert smpp_status.wrong_credentials(status) is slow


def test_waits_double_up_to_their_ceiling() -> None:
    assert [doubling(1, 60, failures) for failures in (0, 1, 2, 5, 6, 10_000)] == [1, 2, 4, 32, 60, 60]


def test_jitter_stays_between_half_and_all() -> None:
    waits = {jittered(10) for _ in range(100)}
    assert min(waits) >= 5
    assert max(waits) <= 10
    assert len(waits) > 1


def throttle(rate: float = 10.0) -> Throttle:
    return Throttle(rate=rate, slowest=1.0, pause=2.0)


def test_a_burst_is_spread_at_the_contracted_rate() -> None:
    bucket = throttle()
    waits = [bucket.reserve(100.0) for _ in range(12)]
    # Two at once, for a tenth of a second was unused; then one each tenth.
    assert waits == pytest.approx([0.0, *(n / 10 for n in range(11))])


def test_unused_rate_is_lost_but_for_a_moment() -> None:
    bucket = throttle(rate=100.0)
    bucket.reserve(100.0)
    waits = [bucket.reserve(200.0) for _ in range(12)]
    assert waits[:11] == [0.0] * 11
    assert waits[11] == pytest.approx(0.01)


def test_a_part_that_grows_again_is_slowed_down_no_further_than_the_whole_was() -> None:
    bucket = Throttle(rate=10.0, slowest=6.0, pause=2.0)
    bucket.share(0.5, 100.0)
    assert bucket.slow_down(100.0) == 2.0
    assert bucket.rate(100.0) == pytest.approx(5.0)
    bucket.share(1.0, 101.0)
    bucket.slow_down(110.0)
    assert bucket.rate(110.0) == pytest.approx(6.0)


def test_a_complaint_never_raises_a_rate_that_is_slower_than_the_slowest_of_the_whole() -> None:
    bucket = Throttle(rate=10.0, slowest=1.0, pause=2.0)
    for now in (100.0, 103.0, 106.0, 109.0):
        bucket.slow_down(now)
    bucket.share(0.25, 109.0)
    before = bucket.rate(111.5)
    assert before < 1.0
    bucket.slow_down(111.5)
    assert bucket.rate(111.5) == before


def test_a_place_that_is_not_there_yet_is_not_taken() -> None:
    bucket = throttle()
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, False, False]
    assert bucket.reserve(100.0) == pytest.approx(0.1)
    assert bucket.take(100.2)


def test_throttling_pauses_and_halves_once_for_all_complaints_together() -> None:
    bucket = throttle()
    assert bucket.slow_down(100.0) == 2.0
    assert bucket.slow_down(100.5) == 1.5
    assert bucket.rate(100.5) == pytest.approx(5.0 + 0.25)
    assert bucket.reserve(100.5) == pytest.approx(1.5)


def test_the_rate_recovers_little_by_little_up_to_the_contract() -> None:
    bucket = throttle()
    bucket.slow_down(100.0)
    assert bucket.rate(104.0) == pytest.approx(7.0)
    assert bucket.rate(1000.0) == 10.0


def test_throttling_never_stops_the_sending() -> None:
    bucket = throttle()
    for _ in range(20):
        bucket.slow_down(bucket._paused_until)
    assert bucket.rate(bucket._updated) >= 1.0


def test_a_part_of_the_rate_is_all_that_is_sent() -> None:
    bucket = throttle()
    bucket.share(0.5, 100.0)
    assert [bucket.reserve(100.0) for _ in range(4)] == pytest.approx([0.0, 0.1, 0.3, 0.5])
    bucket.share(1.0, 200.0)
    assert bucket.rate(200.0) == pytest.approx(10.0)


def test_a_complaint_counts_for_the_part_that_comes_after_it() -> None:
    bucket = throttle()
    bucket.slow_down(100.0)
    bucket.share(0.5, 100.0)
    assert bucket.rate(100.0) == pytest.approx(2.5)
    assert bucket.rate(1000.0) == pytest.approx(5.0)


async def test_nobody_has_a_turn_where_nothing_of_the_rate_is_ours() -> None:
    pace = Pace(throttle())
    now = asyncio.get_running_loop().time()
    await pace.turn()
    for part, until in ((0.0, now + 3600.0), (0.5, now - 1.0)):
        pace.share(part, until)
        assert not pace.open(now)
        with pytest.raises(NotSent):
            await pace.turn()
    pace.share(0.5, now + 3600.0)
    await pace.turn()


@pytest.mark.parametrize(
    ("status", "text"),
    [(0x0B, "0x0000000b RINVDSTADR"), (0x400, "0x00000400"), (0x101, "0x00000101 RPROHIBITED")],
)
def test_a_status_is_shown_by_its_number_and_its_name(status: int, text: str) -> None:
    assert smpp_status.shown(status) == text
