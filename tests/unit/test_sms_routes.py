# SPDX-License-Identifier: Apache-2.0
"""Several SMSCs, several binds, pairs of binds: one gateway over real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest

from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Lane, OutboundSms, Retry, Sent
from sms_gateway.settings import BindMode, SmscSettings
from sms_gateway.simulator.faults import Fault
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from sms_gateway.smpp.status import Status
from tests.unit.sms_world import ACTIVATE, LONG, StillClock, logged, quick, running, sms, world


class Two:
    """A gateway with two SMSCs, ``a`` and ``b``."""

    def __init__(self) -> None:
        self.smscs = {name: SimulatedSmsc(SimulatorSettings(receipts=False)) for name in "ab"}
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()

    def owe(self, count: int, first: int = 0) -> None:
        self.outbox.put(*(sms(number) for number in range(first, first + count)))

    async def sent(self, count: int) -> Counter[str]:
        """By which SMSC, once so many went out."""
        await self.outbox.until(lambda: self._sent() >= count)
        return Counter(accepted.smsc for accepted in self.outbox.accepted)

    def _sent(self) -> int:
        return sum(isinstance(outcome, Sent) for _, outcome in self.outbox.outcomes)


@asynccontextmanager
async def two(weights: tuple[int, int] = (1, 1), **changes: object) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        it = Two()
        settings: list[SmscSettings] = []
        for (name, smsc), weight in zip(it.smscs.items(), weights, strict=True):
            await stack.enter_async_context(smsc.running())
            settings.append(quick(smsc.port, name=name, weight=weight, **changes))
        gateway = SmsGateway(settings, it.outbox, it.inbox, clock=StillClock())
        await stack.enter_async_context(running(gateway))
        for smsc in it.smscs.values():
            await smsc.until(lambda smsc=smsc: smsc.bound == 1)  # type: ignore[misc]  # mypy infers no lambda with a default
        yield it


async def test_smscs_share_the_work_by_their_weights() -> None:
    async with two((3, 1), window=100) as it:
        it.owe(80)
        assert await it.sent(80) == {"a": 60, "b": 20}


async def test_an_smsc_that_is_gone_leaves_its_work_to_the_other() -> None:
    async with two() as it:
        it.smscs["a"].inject(*[Fault.DROP] * 1000)
        it.owe(40)
        assert await it.sent(40) == {"b": 40}


async def test_an_smsc_that_is_silent_holds_up_only_its_own_window() -> None:
    async with two(window=4, drain_seconds=0.01) as it:
        it.smscs["a"].inject(*[Fault.SILENCE] * 1000)
        it.owe(100)
        assert await it.sent(92) == {"b": 92}
        assert len(it.outbox.leased) == 8


async def test_an_smsc_that_throttles_slows_only_itself() -> None:
    async with two(window=4) as it:
        it.smscs["a"].inject(*[Status.RTHROTTLED] * 1000)
        it.owe(100)
        assert await it.sent(100) == {"b": 100}
        assert len(it.outbox.leased) == 0


async def test_an_smsc_whose_queue_is_full_for_one_handset_sends_to_the_others() -> None:
    async with two(hold_first_seconds=300.0) as it:
        for smsc in it.smscs.values():
            smsc.inject(Status.RMSGQFUL, recipient="15551230009")
        it.outbox.put(*(sms(number, recipient="+15551230009") for number in range(1000, 1020)))
        it.owe(100)
        await it.sent(100)
        held = [outcome for number, outcome in it.outbox.outcomes if number >= 1000]
        assert {type(outcome) for outcome in held} <= {Retry}


async def test_a_standby_works_only_after_the_circuit_of_the_first_opened() -> None:
    with logged() as logs:
        async with two((1, 0), circuit_failures=5, circuit_first_seconds=300.0, window=1) as it:
            it.owe(10)
            assert await it.sent(10) == {"a": 10}
            it.smscs["a"].inject(*[0x08] * 1000)
            it.owe(10, first=100)
            assert await it.sent(20) == {"a": 10, "b": 10}
            assert it.smscs["a"].submitted < 10 + 5 + 2
        (opened,) = logs.named("smsc_circuit_opened")
        assert (opened["smsc"], opened["again_in_seconds"]) == ("a", 300.0)


async def test_a_circuit_lets_one_sms_try_and_closes_when_it_is_taken() -> None:
    with logged() as logs:
        async with world(circuit_failures=3, circuit_first_seconds=0.02, idle_seconds=0.01, window=1) as it:
            it.smsc.inject(*[0x08] * 4)
            it.outbox.put(sms())
            assert await it.statuses() == [0x08] * 4
        assert [entry["again_in_seconds"] for entry in logs.named("smsc_circuit_opened")] == [0.02, 0.04]


async def test_what_a_recipient_or_our_configuration_is_to_blame_for_opens_no_circuit() -> None:
    with logged() as logs:
        async with world(circuit_failures=2) as it:
            it.smsc.inject(0x0B, 0x14, 0x0B, 0x14, 0x58)
            it.outbox.put(*(sms(number) for number in range(5)))
            await it.outbox.until(lambda: not it.outbox.leased and len(it.outbox.outcomes) >= 8)
        assert logs.named("smsc_circuit_opened") == []


async def test_a_long_sms_that_failed_over_keeps_its_reference_and_its_segments() -> None:
    async with two((1, 0), circuit_failures=1, circuit_first_seconds=600.0) as it:
        it.smscs["a"].inject(0, 0x08)
        it.outbox.put(sms(text=LONG))
        assert await it.outbox.settled(1) == Sent()
        (first,), (second,) = it.smscs["a"].submits, it.smscs["b"].submits
        assert first.header.concatenation is not None
        assert second.header.concatenation is not None
        assert (first.header.concatenation.number, second.header.concatenation.number) == (1, 2)
        assert first.header.concatenation.reference == second.header.concatenation.reference
        assert [accepted.smsc for accepted in it.outbox.accepted] == ["a", "b"]


async def test_one_smsc_may_have_several_binds_and_fills_all_their_windows() -> None:
    async with world(SimulatorSettings(receipts=False), binds=3, window=2, drain_seconds=0.01) as it:
        await it.smsc.until(lambda: it.smsc.bound == 3)
        it.smsc.inject(*[Fault.SILENCE] * 6)
        it.outbox.put(*(sms(number) for number in range(6)))
        await it.smsc.until(lambda: it.smsc.submitted == 6)
        assert it.metrics.widest == 6


async def test_a_lost_bind_leaves_its_work_to_the_other_binds() -> None:
    async with world(binds=2, reconnect_first_seconds=600.0, reconnect_last_seconds=600.0) as it:
        await it.smsc.until(lambda: it.smsc.bound == 2)
        it.smsc.inject(Fault.DROP)
        it.outbox.put(*(sms(number) for number in range(10)))
        for number in range(10):
            assert await it.outbox.settled(number) == Sent()
        assert it.smsc.bound == 1


async def test_a_pair_submits_by_one_bind_and_receives_by_the_other() -> None:
    async with world(bind_mode=BindMode.PAIR) as it:
        await it.gateway.wait_bound()
        assert it.smsc.bound == 2
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        await it.outbox.until(lambda: bool(it.outbox.receipts))
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.ROK]


async def test_a_pair_lives_and_dies_together() -> None:
    async with world(bind_mode=BindMode.PAIR) as it:
        await it.gateway.wait_bound()
        it.smsc.inject(Fault.DROP)  # costs the transmitter
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()
        retries = [outcome for _, outcome in it.outbox.outcomes if isinstance(outcome, Retry)]
        assert [retry.counted for retry in retries if retry.counted] == [True]
        assert it.smsc.bound == 2
        assert it.smsc.unbinds == 1, "the receiver was given up, too"


async def test_an_sms_whose_route_went_while_it_was_leased_is_given_back() -> None:
    with logged() as logs:
        async with world(reconnect_first_seconds=0.2) as it:
            await it.gateway.wait_bound()
            lease = it.outbox.lease

            async def worst_moment(limit: int, lane: Lane) -> Sequence[OutboundSms]:
                batch = await lease(limit, lane)
                if batch and not it.outbox.outcomes:
                    it.smsc.drop_links()
                    await logs.wait("smsc_lost")
                return batch

            it.outbox.lease = worst_moment  # type: ignore[method-assign]  # only looks on
            it.outbox.put(sms())
            assert await it.outbox.settled(1) == Sent()
            given_back = Retry(timedelta(), None, counted=False)
            assert [outcome for _, outcome in it.outbox.outcomes] == [given_back, Sent()]
            assert it.smsc.submitted == 1


async def test_a_gateway_without_an_smsc_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no SMSC"):
        SmsGateway([], MemoryOutbox(), MemoryInbox(), clock=StillClock())
