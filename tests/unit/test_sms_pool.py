# SPDX-License-Identifier: Apache-2.0
"""Which route takes the next SMS, and when a route is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_gateway.circuit import Circuit
from sms_gateway.pool import Health, Pool, SegmentTaken
from sms_gateway.port import Lane, OutboundSms, Outcome, Sent

NOW = 100.0
ALL = Lane()


class Stand:
    """A route that stands where a test puts it."""

    def __init__(
        self, name: str, weight: int = 1, capacity: int = 1000, carriers: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.carriers = frozenset(carriers)
        self.weight = weight
        self.state = Health.UP
        self.most = capacity

    @property
    def connected(self) -> bool:
        return True

    def health(self, now: float) -> Health:
        return self.state

    def capacity(self, now: float) -> int:
        return self.most

    async def send(self, sms: OutboundSms, taken: SegmentTaken) -> Outcome:
        return Sent()

    async def run(self) -> None:
        return

    def stop(self) -> None:
        return

    def abort(self) -> None:
        return


def picks(routes: Sequence[Stand], count: int) -> str:
    """The names of the routes that get so many SMS, in order; fewer where there is no room."""
    return "".join(route.name for route in Pool(routes).share(ALL, count, NOW))


@pytest.mark.parametrize(
    ("weights", "order"), [((1, 1), "abababab"), ((3, 1), "aabaaaba"), ((1, 2, 1), "bacbbacb")]
)
def test_routes_take_turns_by_their_weights(weights: Sequence[int], order: str) -> None:
    assert picks([Stand(name, weight) for name, weight in zip("abc", weights, strict=False)], 8) == order


def test_a_full_route_leaves_its_turns_to_the_others() -> None:
    assert picks([Stand("a", 3, capacity=2), Stand("b", 1, capacity=3)], 6) == "aabbb"


def test_a_route_that_is_done_has_room_again() -> None:
    route = Stand("a", capacity=1)
    pool = Pool([route])
    assert (pool.room(ALL, NOW), pool.share(ALL, 9, NOW), pool.room(ALL, NOW)) == (1, [route], 0)
    pool.done(route)
    assert pool.room(ALL, NOW) == 1


def test_a_route_whose_capacity_shrank_owes_no_room() -> None:
    slow, other = Stand("a", capacity=10), Stand("b", capacity=5)
    pool = Pool([slow, other])
    pool.share(ALL, 6, NOW)
    slow.most = 1
    assert pool.room(ALL, NOW) == 2


def test_a_standby_works_only_while_no_other_is_up() -> None:
    main, standby = Stand("a"), Stand("s", weight=0)
    assert picks([main, standby], 3) == "aaa"
    main.state = Health.DOWN
    assert picks([main, standby], 3) == "sss"


def test_a_full_route_does_not_wake_the_standby() -> None:
    assert picks([Stand("a", capacity=1), Stand("s", weight=0)], 3) == "a"


def test_a_route_on_trial_does_not_silence_the_standby() -> None:
    main, standby = Stand("a", capacity=1), Stand("s", weight=0)
    main.state = Health.ON_TRIAL
    assert sorted(picks([main, standby], 3)) == ["a", "s", "s"]


def test_without_a_route_there_is_no_room() -> None:
    route = Stand("a")
    route.state = Health.DOWN
    assert Pool([route]).room(ALL, NOW) == 0
    assert picks([route], 1) == ""


def test_turns_go_on_where_the_last_batch_ended() -> None:
    pool = Pool([Stand("a", 3), Stand("b", 1)])
    assert "".join(pool.share(ALL, 1, NOW)[0].name for _ in range(8)) == "aabaaaba"


def circuit() -> Circuit:
    return Circuit(failures=3, first=10.0, last=25.0)


def test_a_circuit_opens_after_failures_in_a_row_only() -> None:
    it = circuit()
    assert [it.failed(NOW), it.failed(NOW)] == [None, None]
    it.succeeded()
    assert [it.failed(NOW), it.failed(NOW)] == [None, None]
    assert it.closed
    assert it.failed(NOW) == 10.0
    assert not it.closed
    assert it.health(NOW + 9.9) is Health.DOWN
    assert it.health(NOW + 10.0) is Health.ON_TRIAL


def test_what_was_in_flight_when_it_opened_adds_nothing() -> None:
    it = circuit()
    for _ in range(3):
        it.failed(NOW)
    assert it.failed(NOW + 1) is None
    assert it.health(NOW + 10.0) is Health.ON_TRIAL


def test_each_trial_that_fails_doubles_the_time_up_to_a_ceiling() -> None:
    it = circuit()
    for _ in range(2):
        it.failed(NOW)
    assert [it.failed(NOW), it.failed(NOW + 10), it.failed(NOW + 30)] == [10.0, 20.0, 25.0]


def test_a_trial_that_succeeds_closes_the_circuit() -> None:
    it = circuit()
    for _ in range(3):
        it.failed(NOW)
    it.succeeded()
    assert it.health(NOW) is Health.UP
    assert it.failed(NOW) is None


# Carriers


def red_blue_and_everybody() -> tuple[Stand, Stand, Stand]:
    return Stand("r", carriers=["red"]), Stand("b", carriers=["blue", "green"]), Stand("e")


def served(routes: Sequence[Stand]) -> dict[Lane, str]:
    """The names of the routes of each lane."""
    pool = Pool(routes)
    return {lane: "".join(sorted({r.name for r in pool.share(lane, 9, NOW)})) for lane in pool.lanes}


def test_without_named_carriers_there_is_one_lane_of_everybody() -> None:
    assert served([Stand("a"), Stand("b")]) == {Lane(): "ab"}


def test_a_carrier_goes_by_the_routes_that_name_it_and_those_that_name_none() -> None:
    assert served(red_blue_and_everybody()) == {
        Lane(frozenset({"red"}), others=False): "er",
        Lane(frozenset({"blue", "green"}), others=False): "be",
        Lane(frozenset({"red", "blue", "green"})): "e",
    }


def test_where_every_route_names_carriers_the_others_go_where_the_empty_name_stands() -> None:
    assert served([Stand("r", carriers=["red", ""]), Stand("b", carriers=["blue"])]) == {
        Lane(frozenset({"blue"}), others=False): "b",
        Lane(frozenset({"blue"})): "r",
    }


def test_a_carrier_that_no_route_serves_is_in_no_lane() -> None:
    lanes = Pool([Stand("r", carriers=["red"])]).lanes
    assert [("red" in lane, "blue" in lane) for lane in lanes] == [(True, False)]


def test_lanes_share_the_room_of_a_route_that_both_have() -> None:
    everybody = Stand("e", capacity=3)
    pool = Pool([Stand("r", capacity=2, carriers=["red"]), everybody])
    red, others = pool.lanes
    assert (pool.room(red, NOW), pool.room(others, NOW)) == (5, 3)
    assert len(pool.share(red, 5, NOW)) == 5
    assert pool.room(others, NOW) == 0


def test_a_standby_of_one_carrier_works_while_that_carrier_has_no_other_up() -> None:
    red, blue = Stand("r", carriers=["red"]), Stand("b", carriers=["blue"])
    standby = Stand("s", weight=0)
    red.state = Health.DOWN
    lanes = served([red, blue, standby])
    assert lanes[Lane(frozenset({"red"}), others=False)] == "s"
    assert lanes[Lane(frozenset({"blue"}), others=False)] == "b"


def test_weights_count_in_each_lane() -> None:
    pool = Pool([Stand("r", 3, carriers=["red"]), Stand("e", 1)])
    red, others = pool.lanes
    assert "".join(route.name for route in pool.share(red, 4, NOW)) == "rrer"
    assert "".join(route.name for route in pool.share(others, 2, NOW)) == "ee"
    assert "".join(route.name for route in pool.share(red, 4, NOW)) == "rrer"


@given(lanes=st.lists(st.builds(Lane, st.frozensets(st.sampled_from("abcd")), st.booleans()), min_size=1))
def test_a_union_of_lanes_has_the_carriers_of_each(lanes: list[Lane]) -> None:
    union = reduce(or_, lanes)
    assert all((name in union) == any(name in lane for lane in lanes) for name in "abcde")
