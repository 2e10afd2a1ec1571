# SPDX-License-Identifier: Apache-2.0
"""Which of several SMSCs takes the next SMS.

A route serves the carriers that it names, or all.  Carriers with the same routes are a lane.  In a
lane routes share by weight while all of them keep up; one that is slow, full or gone holds nobody
up, because an SMS goes only to a route that has room for it now.  A weight of 0 makes a standby.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

from sms_gateway.port import Acceptance, Lane, OutboundSms, Outcome

SegmentTaken = Callable[[Acceptance], Awaitable[None]]
"""Called with each segment that another one follows; the message id is in its normal form."""


class Health(Enum):
    UP = auto()
    ON_TRIAL = auto()
    """It failed, and may show with one SMS that it works again."""
    DOWN = auto()


class Route(Protocol):
    """A way to the handsets: an SMSC with its binds, or an HTTP gateway."""

    @property
    def name(self) -> str: ...

    @property
    def carriers(self) -> frozenset[str]:
        """Whose SMS it takes; empty: everybody's.  "" stands for the carriers that no route names."""
        ...

    @property
    def weight(self) -> int:
        """Its part of the work, against the weights of the others; 0: only while no other is up."""
        ...

    @property
    def connected(self) -> bool:
        """Whether its peer is there, whatever of the rate is ours."""
        ...

    def health(self, now: float) -> Health: ...

    def capacity(self, now: float) -> int:
        """How many SMS may be in its hands at a time; asked only while it is not DOWN."""
        ...

    async def send(self, sms: OutboundSms, taken: SegmentTaken) -> Outcome:
        """Send an SMS, calling ``taken`` between two segments.  Fails by its outcome."""
        ...

    async def run(self) -> None:
        """Stay connected until cancelled, and then end politely."""
        ...

    def share(self, part: float, until: float) -> None:
        """So much of the contracted rate is ours, and from then on nothing: it is DOWN."""
        ...

    def stop(self) -> None:
        """Start no segment more."""
        ...

    def abort(self) -> None:
        """End what is in flight at once; its outcome is unknown."""
        ...


class Pool:
    """Chooses among routes by smooth weighted turns: 3 to 1 is A A B A, and not A A A B."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._serving = _lanes(self.routes)
        self._credit = {lane: dict.fromkeys(serving, 0) for lane, serving in self._serving.items()}
        self._in_hand = dict.fromkeys(self.routes, 0)

    @property
    def lanes(self) -> Sequence[Lane]:
        """No carrier is in two of them; in none is one that no route serves."""
        return tuple(self._serving)

    def room(self, lane: Lane, now: float) -> int:
        """How many SMS of a lane its routes can take now, all together."""
        return sum(self._rooms(lane, now).values())

    def share(self, lane: Lane, count: int, now: float) -> list[Route]:
        """The routes of the next SMS of a lane, which are in their hands until ``done``.

        Fewer than ``count``, where there is no more room.
        """
        rooms = self._rooms(lane, now)
        chosen: list[Route] = []
        while len(rooms) > 1 and len(chosen) < count:
            route = _next(rooms, self._credit[lane])
            chosen.append(route)
            rooms[route] -= 1
            if not rooms[route]:
                del rooms[route]
        for route, room in rooms.items():  # the only one needs no turns
            chosen += [route] * min(room, count - len(chosen))
        for route in chosen:
            self._in_hand[route] += 1
        return chosen

    def done(self, route: Route) -> None:
        """One SMS is in the route's hands no more."""
        self._in_hand[route] -= 1

    def _rooms(self, lane: Lane, now: float) -> dict[Route, int]:
        """Of the routes that may be used and have any."""
        first: dict[Route, int] = {}
        standby: dict[Route, int] = {}
        on_trial: dict[Route, int] = {}
        for route in self._serving[lane]:
            health = route.health(now)
            if health is Health.DOWN:
                continue
            room = route.capacity(now) - self._in_hand[route]
            if health is Health.ON_TRIAL:
                on_trial[route] = room
            elif route.weight:
                first[route] = room
            else:
                standby[route] = room
        usable = (first or standby) | on_trial
        return {route: room for route, room in usable.items() if room > 0}


def _lanes(routes: Sequence[Route]) -> dict[Lane, tuple[Route, ...]]:
    """Each lane with its routes."""
    named = frozenset[str]().union(*(route.carriers for route in routes)) - {""}
    together: dict[tuple[Route, ...], set[str]] = {}
    for name in sorted(named):
        serving = tuple(route for route in routes if not route.carriers or name in route.carriers)
        together.setdefault(serving, set()).add(name)
    everybodys = tuple(route for route in routes if not route.carriers or "" in route.carriers)
    with_others = together.pop(everybodys, set())
    lanes = {Lane(frozenset(names), others=False): serving for serving, names in together.items()}
    return lanes | ({Lane(named - with_others): everybodys} if everybodys else {})


def _next(rooms: Mapping[Route, int], credit: dict[Route, int]) -> Route:
    for route in rooms:
        credit[route] += _turns(route)
    chosen = max(rooms, key=credit.__getitem__)
    credit[chosen] -= sum(map(_turns, rooms))
    return chosen


def _turns(route: Route) -> int:
    return max(1, route.weight)
