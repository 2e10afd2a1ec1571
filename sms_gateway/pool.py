# SPDX-License-Identifier: Apache-2.0
"""Which of several SMSCs takes the next SMS.

Routes share by weight while all of them keep up; one that is slow, full or gone holds nobody up,
because an SMS goes only to a route that has room for it now.  A weight of 0 makes a standby.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

from sms_gateway.port import OutboundSms, Outcome

SegmentTaken = Callable[[int, int, str], Awaitable[None]]
"""Called with the number of a segment (from 1), their total, and the message id in its normal form."""


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
    def weight(self) -> int:
        """Its part of the work, against the weights of the others; 0: only while no other is up."""
        ...

    def health(self, now: float) -> Health: ...

    def capacity(self, now: float) -> int:
        """How many SMS may be in its hands at a time; asked only while it is not DOWN."""
        ...

    async def send(self, sms: OutboundSms, taken: SegmentTaken) -> Outcome:
        """Send an SMS, calling ``taken`` for each segment before the next one.  Fails by its outcome."""
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
        self._credit = dict.fromkeys(self.routes, 0)
        self._in_hand = dict.fromkeys(self.routes, 0)

    def room(self, now: float) -> int:
        """How many SMS the routes can take now, all together."""
        return sum(self._rooms(now).values())

    def share(self, count: int, now: float) -> list[Route]:
        """The routes of the next SMS, which are in their hands until ``done``.

        Fewer than ``count``, where there is no more room.
        """
        rooms = self._rooms(now)
        chosen: list[Route] = []
        while len(rooms) > 1 and len(chosen) < count:
            route = self._next(rooms)
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

    def _next(self, rooms: Mapping[Route, int]) -> Route:
        for route in rooms:
            self._credit[route] += _turns(route)
        chosen = max(rooms, key=self._credit.__getitem__)
        self._credit[chosen] -= sum(map(_turns, rooms))
        return chosen

    def _rooms(self, now: float) -> dict[Route, int]:
        """Of the routes that may be used and have any."""
        first: dict[Route, int] = {}
        standby: dict[Route, int] = {}
        on_trial: dict[Route, int] = {}
        for route in self.routes:
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


def _turns(route: Route) -> int:
    return max(1, route.weight)
