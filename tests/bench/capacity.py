# SPDX-License-Identifier: Apache-2.0
"""What a number of subscribers needs in its busy hour: arithmetic on assumptions and measured costs.

docs/scaling.md explains it; ``script/simulate`` measures the costs and holds a prediction against the
real program.
"""

from __future__ import annotations

import math

import msgspec

_HOUR = 3600


class Traffic(msgspec.Struct, frozen=True):
    """What subscribers do.  Every figure is an assumption that an operator replaces by its own."""

    subscribers: int = 100_000_000
    deposits_a_day: float = 0.5
    """Messages that a subscriber is left."""
    busy_hour: float = 0.12
    """Part of the day's traffic that falls into its busiest hour."""
    sessions_per_deposit: float = 1.5
    """Sync sessions: one for each SYNC, and what clients do by themselves."""
    sms_per_deposit: float = 1.2
    octets: int = 45_000
    """Of a stored message: 20 s of AMR-NB at 12.2 kbit/s in base64, and its headers."""
    row_octets: int = 3_000
    """Of a message in the database when its octets lie elsewhere."""
    kept_days: float = 20.0
    transcoded: float = 1.0
    """Part of the deposits that come as WAV, as Asterisk records them."""
    idle: float = 0.02
    """Part of the subscribers with a connection in IDLE."""


class Costs(msgspec.Struct, frozen=True):
    """What was measured, in seconds of one core and in octets; of a node where nothing else is said."""

    deposit: float
    """With its SMS."""
    session: float
    transcoding: float = 0.0
    """What WAV takes more than AMR, for a message."""
    idle_octets: float = 40_000.0
    """Memory of a connection that waits."""
    commits: float = 2.2
    """Store transactions for a deposit; a session adds about one, for its flags."""
    database_deposit: float = 0.0
    """What the database server takes for a deposit, beside the node; nothing where it is a library."""
    database_session: float = 0.0


class Machines(msgspec.Struct, frozen=True):
    """What is bought, and how full it may be in the busy hour."""

    cores: int = 16
    memory_octets: float = 64e9
    full: float = 0.5
    """So that half of the nodes may fail, or the traffic may double."""
    shard_cores: int = 16
    """Of one PostgreSQL primary, as ``full`` as a node."""
    shard_octets: float = 4e12
    smsc_rate: float = 500.0
    """Submits a second of one bind that an SMSC grants."""


class Need(msgspec.Struct, frozen=True):
    deposits: float
    """A second, in the busy hour, as everything below."""
    sessions: float
    sms: float
    commits: float
    cores: float
    """Of the nodes."""
    database_cores: float
    transcoding: float
    """Of the cores."""
    nodes: int
    connections: int
    memory_octets: float
    shards: int
    binds: int
    blob_octets: float
    row_octets: float
    network_bits: float
    first: str
    """What a single unit of runs out at the fewest subscribers."""


def need(traffic: Traffic, costs: Costs, machines: Machines) -> Need:
    deposits = traffic.subscribers * traffic.deposits_a_day * traffic.busy_hour / _HOUR
    sessions = deposits * traffic.sessions_per_deposit
    sms = deposits * traffic.sms_per_deposit
    commits = deposits * costs.commits + sessions
    transcoding = deposits * traffic.transcoded * costs.transcoding
    cores = deposits * costs.deposit + sessions * costs.session + transcoding
    database = deposits * costs.database_deposit + sessions * costs.database_session
    messages = traffic.subscribers * traffic.deposits_a_day * traffic.kept_days
    connections = math.ceil(traffic.subscribers * traffic.idle)
    memory = connections * costs.idle_octets
    units = {
        "cores of the nodes": cores / (machines.cores * machines.full),
        "memory of the nodes": memory / (machines.memory_octets * machines.full),
        "cores of the database": database / (machines.shard_cores * machines.full),
        "disk of the database": messages * traffic.row_octets / machines.shard_octets,
        "rate of an SMSC bind": sms / machines.smsc_rate,
    }
    return Need(
        deposits=deposits,
        sessions=sessions,
        sms=sms,
        commits=commits,
        cores=cores,
        database_cores=database,
        transcoding=transcoding,
        nodes=math.ceil(max(units["cores of the nodes"], units["memory of the nodes"])),
        connections=connections,
        memory_octets=memory,
        shards=math.ceil(max(units["cores of the database"], units["disk of the database"])),
        binds=math.ceil(units["rate of an SMSC bind"]),
        blob_octets=messages * traffic.octets,
        row_octets=messages * traffic.row_octets,
        network_bits=(deposits + sessions) * traffic.octets * 8,
        first=max(units, key=lambda unit: units[unit]),
    )


def load(costs: Costs, *, deposits: float, sessions: float, idle: float) -> float:
    """Cores that a program is busy with at these rates; ``idle``: with nothing to do."""
    return idle + deposits * costs.deposit + sessions * costs.session
