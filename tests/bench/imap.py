# SPDX-License-Identifier: Apache-2.0
"""IMAP beside Dovecot: the same messages, certificate, load generator and machine, in interleaved rounds.

Ours is ``vvm serve`` as it is shipped, with a worker for each core.  The third column is a server
of canned answers, which shows what TLS, the event loop and the generator leave to be had.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import cpu, dovecot, report
from tests.bench.imap_load import Result
from tests.bench.program import Program, free_port, running
from tests.unit.audio_samples import wav
from vvm.config.load import load
from vvm.domain.message import INBOX, Envelope
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ProvisioningStatus
from vvm.message.audio.transcode import AudioLimits, transcode
from vvm.runtime.wiring import Services, open_services
from vvm.services.provisioning import SubscriberOptions
from vvm.store.port import SubscriberChange

_PHONES = 32
_MESSAGES = 20
_BIG = (100, 1_000, 10_000)
_ROUNDS = 3
_VOICE_SECONDS = 13.6
"""A message of 30 KB as it lies on the wire."""
_NOTE_SECONDS = 1.0
"""For the big mailboxes, of which flags are read and no audio."""
_AT_A_TIME = 64
_CORES = os.cpu_count() or 1


class Target(msgspec.Struct, frozen=True):
    """A server under load; ``processes`` are those whose trees are its own."""

    name: str
    port: int
    processes: tuple[int, ...]

    def cpu(self) -> float:
        return sum(map(cpu.seconds, self.processes))


class Account(msgspec.Struct, frozen=True):
    msisdn: str
    user: str
    password: str


class Round(msgspec.Struct, frozen=True):
    result: Result
    server_cpu: float


def run(folder: Path) -> None:
    folder.chmod(0o755)  # Dovecot's processes have users of their own
    report.section(
        f"IMAP over TLS 1.3, ECDSA P-256; vvm serve --workers {_CORES}; medians of {_ROUNDS} rounds"
    )
    asyncio.run(_run(folder / "imap"))


async def _run(folder: Path) -> None:
    smsc = SimulatedSmsc()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(smsc.running())
        program = await stack.enter_async_context(running(folder, smsc_port=smsc.port, workers=_CORES))
        config = load(folder / "vvm.toml", os.environ)
        async with open_services(config) as services:
            phones = [await _fill(services, number, _MESSAGES, _VOICE_SECONDS) for number in range(_PHONES)]
            big = [await _fill(services, 5_000 + count, count, _NOTE_SECONDS) for count in _BIG]
            targets = [Target(f"vvm, {_CORES} workers", program.imap_tls, (program.pid,))]
            if dovecot.installed():
                targets.append(await _dovecot(stack, folder, program, [*phones, *big], services))
            else:
                report.row("Dovecot is not installed, so this is without it", "", dovecot.PACKAGES)
        canned = await stack.enter_async_context(_canned(folder))
        for at_once in (16, 128):
            title = f"W1 sync, {at_once} at once"
            await _sessions("sync", title, [*targets, canned], phones, at_once=at_once, sessions=1_024)
        await _sessions("aosp", "AOSP sync, 16 at once", targets, phones, at_once=16, sessions=512)
        await _sessions("login", "login and logout, 16 at once", targets, phones, at_once=16, sessions=1_024)
        for count, account in zip(_BIG, big, strict=True):
            await _questions(f"W4, {count:,} messages", targets, account)


async def _sessions(
    workload: str,
    title: str,
    targets: Sequence[Target],
    accounts: Sequence[Account],
    *,
    at_once: int,
    sessions: int,
) -> None:
    rounds = await _rounds(workload, targets, at_once, sessions, accounts)
    rates = {}
    for target in targets:
        rate = _median(rounds[target.name], lambda each: sessions / each.result.seconds)
        server = _median(rounds[target.name], lambda each: each.server_cpu / sessions * 1000)
        generator = _median(rounds[target.name], lambda each: each.result.cpu / sessions * 1000)
        p99 = _median(rounds[target.name], lambda each: each.result.p99 * 1000)
        rates[target.name] = rate
        report.row(
            f"{title}: {target.name}",
            f"{rate:,.0f} /s",
            f"CPU {server:.2f} ms a session, generator's {generator:.2f}; p99 {p99:.0f} ms",
        )
    _ratios(rates)


async def _questions(title: str, targets: Sequence[Target], account: Account) -> None:
    rounds = await _rounds("big", targets, 1, 1, [account])
    for step in ("SELECT INBOX", "UID FETCH 1:* (FLAGS)", "UID SEARCH UNSEEN"):
        seconds = {}
        for target in targets:
            taken = _median(rounds[target.name], lambda each, step=step: each.result.steps[step])  # type: ignore[misc]
            seconds[target.name] = 1 / taken
            report.row(f"{title}, {step}: {target.name}", f"{taken * 1000:.2f} ms")
        _ratios(seconds)


async def _rounds(
    workload: str, targets: Sequence[Target], at_once: int, sessions: int, accounts: Sequence[Account]
) -> Mapping[str, list[Round]]:
    """Each target in turn, so that a noisy moment hits all of them."""
    rounds: dict[str, list[Round]] = {target.name: [] for target in targets}
    for _ in range(_ROUNDS):
        for target in targets:
            before = target.cpu()
            result = await _load(workload, target.port, at_once, sessions, accounts)
            rounds[target.name].append(Round(result, target.cpu() - before))
    return rounds


async def _load(workload: str, port: int, at_once: int, sessions: int, accounts: Sequence[Account]) -> Result:
    generator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.imap_load",
        *map(str, (workload, port, at_once, sessions)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    lines = "\n".join(f"{account.user} {account.password}" for account in accounts)
    output, _ = await generator.communicate(lines.encode())
    if generator.returncode:
        raise RuntimeError("the load generator failed")
    return msgspec.json.decode(output, type=Result)


async def _fill(services: Services, number: int, messages: int, seconds: float) -> Account:
    """An active subscriber with messages that came through the real deposit."""
    msisdn = Msisdn(f"+336123{number:05}")
    subscriber = await services.provisioning.create(msisdn, SubscriberOptions(max_messages=messages))
    active = SubscriberChange(changed_at=datetime.now(UTC), status=ProvisioningStatus.READY)
    await services.store.subscribers.change(msisdn, active)
    audio = transcode(wav(seconds=seconds), AudioLimits(max_seconds=60)).amr
    envelope = Envelope(caller="+33698765432", received_at=datetime.now(UTC))

    async def deposit(count: int) -> None:
        for _ in range(count):
            await services.deposit(msisdn, audio, envelope)

    async with asyncio.TaskGroup() as group:
        for first in range(min(_AT_A_TIME, messages)):
            group.create_task(deposit(len(range(first, messages, _AT_A_TIME))))
    password = services.keyring.open(subscriber.imap_user, subscriber.password_sealed)
    return Account(msisdn, subscriber.imap_user, password.reveal())


async def _dovecot(
    stack: AsyncExitStack, folder: Path, program: Program, accounts: Sequence[Account], services: Services
) -> Target:
    """Dovecot with the octets of our own messages in the same mailboxes."""
    passwords = {account.user: account.password for account in accounts}
    server = await stack.enter_async_context(
        dovecot.running(
            folder / "dovecot", passwords, certificate=program.certificate, key=folder / "tls.key"
        )
    )
    for account in accounts:
        subscriber = await services.store.subscribers.by_imap_user(account.user)
        if subscriber is None:
            raise RuntimeError("a subscriber that was just made is gone")
        changes = await services.store.mailboxes.changes(subscriber.mailbox, INBOX, 0)
        uids = [] if changes is None else [message.uid for message in changes.changed]
        octets = [await services.store.mailboxes.octets(subscriber.mailbox, INBOX, uid) for uid in uids]
        kept = [each for each in octets if each is not None]
        await asyncio.to_thread(server.fill, {account.user: account.password}, {account.user: kept})
    return Target("Dovecot, tuned", server.port, (server.pid,))


@asynccontextmanager
async def _canned(folder: Path) -> AsyncIterator[Target]:
    """As many processes as ours has."""
    port = free_port()
    started = []
    try:
        for _ in range(_CORES):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.bench.imap_canned",
                *map(str, (folder / "tls.crt", folder / "tls.key", port)),
                stdout=asyncio.subprocess.PIPE,
            )
            started.append(process)
            assert process.stdout is not None
            await process.stdout.readline()
        yield Target("canned answers", port, tuple(process.pid for process in started))
    finally:
        for process in started:
            process.terminate()
            await process.wait()


def _median(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    return statistics.median(map(figure, rounds))


def _ratios(rates: Mapping[str, float]) -> None:
    """The first of them against each of the others."""
    (_, ours), *others = rates.items()
    for name, theirs in others:
        report.ratio(f"  ours : {name}", ours, theirs)
