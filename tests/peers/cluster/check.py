# SPDX-License-Identifier: Apache-2.0
"""The checker: ``python -m tests.peers.cluster.check PLAN``.  Every view against what was acknowledged.

Views: the list over HTTP and every octet over IMAP, each on every node, the rows in the database, and
the SMS that phones have heard.  Prints what does not fit, a line each, and exits with 1; else prints how
long the worst waits were.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import asyncpg
import msgspec

from tests.peers.cluster.plan import BUSY, QUIET, NodeAddress, Plan
from tests.peers.cluster.record import Counted, Deposited, Record, read
from tests.peers.cluster.speech import speech
from vvm.simulator.imap import Account, ClientFailed, ImapClient

_ROWS = """
SELECT s.msisdn, m.uid, m.caller, m.flags & 1 <> 0 AS seen
  FROM message m JOIN subscriber s ON s.mailbox_id = m.mailbox_id
 WHERE m.folder_id = (SELECT f.id FROM folder f WHERE f.mailbox_id = m.mailbox_id AND f.name = 'INBOX')
"""
_OWED = "SELECT state, count(*) FROM outbox WHERE state IN ('owed', 'failed', 'expired') GROUP BY state"


class Seen(msgspec.Struct, frozen=True, order=True):
    """A message as a view shows it."""

    uid: int
    caller: str
    heard: bool


View = Mapping[str, list[Seen]]
"""By subscriber, ascending."""


async def over_http(node: NodeAddress, http: aiohttp.ClientSession) -> View:
    found = {}
    for msisdn in (*QUIET, *BUSY):
        url = f"http://{node.host}:{node.http}/v1/subscribers/{msisdn}/messages"
        async with http.get(url, params={"limit": "1000"}) as answer:
            page = await answer.json()
        assert page["next"] is None
        found[msisdn] = [Seen(each["uid"], each["caller"], each["seen"]) for each in page["messages"]]
    return found


async def over_imap(
    plan: Plan,
    node: NodeAddress,
    accounts: Mapping[str, tuple[str, str]],
    digests: dict[tuple[str, int], str],
) -> View:
    """What a phone sees; every message's audio must be its caller's, and its octets those of every node."""
    tls = ssl.create_default_context(cafile=plan.certificate)
    found = {}
    for msisdn, (user, password) in accounts.items():
        account = Account("localhost", node.imap, user, password)
        async with ImapClient(account, tls, lambda _: None, address=(node.host, node.imap)) as client:
            seen = []
            for uid in await client.list_uids():
                (line,) = [
                    line
                    for line in await client.command(f"UID FETCH {uid} (UID FLAGS BODY.PEEK[])")
                    if b"BODY[]" in line
                ]
                digest = hashlib.sha256(line.partition(b"}\r\n")[2]).hexdigest()
                if digests.setdefault((msisdn, uid), digest) != digest:
                    raise ClientFailed(f"{msisdn} {uid}: other octets on {node.name} than elsewhere")
                fetched = await client.peek(uid)
                if fetched.audio != speech(fetched.caller):
                    raise ClientFailed(f"{msisdn} {uid}: not the audio that {fetched.caller} left")
                seen.append(Seen(uid, fetched.caller, b"\\Seen" in line.partition(b"BODY[]")[0]))
        found[msisdn] = seen
    return found


async def in_rows(connection: Any) -> View:
    found: dict[str, list[Seen]] = {msisdn: [] for msisdn in (*QUIET, *BUSY)}
    for msisdn, uid, caller, seen in await connection.fetch(_ROWS):
        found[msisdn].append(Seen(uid, caller, seen))
    return {msisdn: sorted(messages) for msisdn, messages in found.items()}


def faults_of(view: View, record: Record, name: str) -> Iterator[str]:
    """Lost, twice, changed back, or out of nowhere."""
    for msisdn, messages in view.items():
        callers = [message.caller for message in messages]
        uids = [message.uid for message in messages]
        for caller in sorted({caller for caller in callers if callers.count(caller) > 1}):
            yield f"{name}: {msisdn} has {caller} twice"
        if len(set(uids)) < len(uids):
            yield f"{name}: {msisdn} has a UID twice"
        for message in messages:
            yield from _faults_of_message(msisdn, message, record, name)
        for deposit in record.deposits.values():
            deleted = (msisdn, deposit.uid, True) in record.changing
            if deposit.msisdn == msisdn and deposit.uid not in uids and not deleted:
                yield f"{name}: {msisdn} has lost {deposit.key} (UID {deposit.uid}, by {deposit.node})"


def _faults_of_message(msisdn: str, message: Seen, record: Record, name: str) -> Iterator[str]:
    deposit = record.deposits.get(message.caller)
    if deposit is None:
        yield f"{name}: {msisdn} has {message.caller}, which nobody left"
    elif (deposit.msisdn, deposit.uid) != (msisdn, message.uid):
        yield f"{name}: {msisdn} has {message.caller} as {message.uid}, acknowledged was {deposit.uid}"
    if (msisdn, message.uid, True) in record.changed:
        yield f"{name}: {msisdn} has {message.uid} again, which was deleted"
    if (msisdn, message.uid, False) in record.changed and not message.heard:
        yield f"{name}: {msisdn}: {message.uid} is no more marked as heard"
    if message.heard and (msisdn, message.uid, False) not in record.changing:
        yield f"{name}: {msisdn}: {message.uid} is marked as heard, and nobody did"


def faults_of_record(record: Record) -> Iterator[str]:
    for key in record.unanswered():
        yield f"deposit {key} has no end"
    if not record.deposits:
        yield "nothing was deposited"
    for deposit in record.unannounced():
        yield f"SMS: {deposit.msisdn} was never told of {deposit.uid}"
    for msisdn in record.unanswered_phones():
        yield f"SMS: {msisdn} asked for STATUS, was acknowledged, and not answered"
    for msisdn, heard in record.told.items():
        known = {deposit.uid for deposit in record.deposits.values() if deposit.msisdn == msisdn}
        for told in heard:
            if told.uid is not None and told.uid not in known:
                yield f"SMS: {msisdn} was told of {told.uid}, which nobody left"
    for node, msisdn in record.behind():
        count = record.counted[node, msisdn]
        yield f"IDLE on {node}: {msisdn} knows {count} of {record.messages_of(msisdn)} messages"


async def faults(plan: Plan, record: Record) -> list[str]:
    found = list(faults_of_record(record))
    digests: dict[tuple[str, int], str] = {}
    headers = {"Authorization": f"Bearer {plan.token}"}
    connection = await asyncpg.connect(plan.database)
    async with aiohttp.ClientSession(headers=headers) as http:
        found += faults_of(await in_rows(connection), record, "rows")
        for node in plan.nodes:
            found += faults_of(await over_http(node, http), record, f"HTTP on {node.name}")
            try:
                view = await over_imap(plan, node, record.accounts(), digests)
                found += faults_of(view, record, f"IMAP on {node.name}")
            except ClientFailed as failed:
                found.append(f"IMAP on {node.name}: {failed}")
        found += [f"outbox: {count} {state}" for state, count in await connection.fetch(_OWED)]
    await connection.close()
    return found


def waits(record: Record) -> Iterator[str]:
    """The figures that nobody asserts."""
    deposits = sorted(record.deposits.values(), key=lambda deposit: deposit.at)
    times = [deposit.at for deposit in deposits]
    slowest = max(deposit.at - record.begun[deposit.key].at for deposit in deposits)
    pause = max((later - earlier for earlier, later in pairwise(times)), default=0.0)
    yield f"{len(deposits)} deposits, {len(record.again())} tries again, {len(record.lost())} sessions lost"
    yield f"longest time without an acknowledged deposit: {pause:.1f} s; slowest deposit: {slowest:.1f} s"
    heard = sorted(_heard_in_idle(record))
    if heard:
        yield f"from a deposit to EXISTS in IDLE: median {median(heard):.2f} s, longest {heard[-1]:.1f} s"
    yield f"longest time from a deposit to its SYNC: {max(map(_told_after(record), deposits)):.1f} s"


def _heard_in_idle(record: Record) -> Iterator[float]:
    """Seconds, for each deposit and each phone: nobody deletes there, so message n is the n-th."""
    counted = [fact for fact in record.facts if isinstance(fact, Counted)]
    for place in sorted(record.counted):
        news = [fact for fact in counted if (fact.node, fact.msisdn) == place]
        for deposit in record.deposits.values():
            if deposit.msisdn == place[1]:
                told = next(fact.at for fact in news if fact.messages >= deposit.uid)
                yield max(0.0, told - deposit.at)  # some are told before the caller is


def _told_after(record: Record) -> Any:
    def seconds(deposit: Deposited) -> float:
        told = [
            told.at
            for told in record.told[deposit.msisdn]
            if told.uid == deposit.uid or (told.count is not None and told.at >= record.begun[deposit.key].at)
        ]
        return max(0.0, min(told, default=deposit.at) - deposit.at)  # its phone was quicker

    return seconds


async def main(path: str) -> int:
    plan = Plan.read(path)
    record = read(Path(plan.record))
    found = await faults(plan, record)
    for line in found or waits(record):
        print(line)
    return bool(found)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
