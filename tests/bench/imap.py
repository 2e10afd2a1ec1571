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
from tests.bench import imap_waiting as waiting
from tests.bench.imap_load import Result
from tests.bench.imap_waiting import Idler
from tests.bench.program import Program, free_port, running
from tests.unit.audio_samples import wav
from vvm.config.load import load
from vvm.domain.message import INBOX, Envelope
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, Manners, ProvisioningStatus
from vvm.message.audio.transcode import AudioLimits, transcode
from vvm.runtime.wiring import Services, open_services
from vvm.services.provisioning import SubscriberOptions
from vvm.store.port import NewSubscriber, SubscriberChange

_PHONES = 32
_IDLERS = 10_000
_HEARERS = 200
"""Of the idlers, those that are told of a message."""
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
                target, server = await _dovecot(stack, folder, program, [*phones, *big])
                await _copy(server, [*phones, *big], services)
                targets.append(target)
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
    await _durable(folder / "durable")
    await _idle(folder / "idle")


async def _durable(folder: Path) -> None:
    """W2: as mail clients append, with Dovecot at ``mail_fsync=always``, because ours always is."""
    async with AsyncExitStack() as stack:
        program, services = await _alone(stack, folder)
        options = SubscriberOptions(max_messages=100_000)
        numbers = range(_PHONES * 2)
        devices = [
            await _device(services, await _subscriber(services, number, options)) for number in numbers
        ]
        targets = [Target(f"vvm, {_CORES} workers", program.imap_tls, (program.pid,))]
        if dovecot.installed():
            target, _ = await _dovecot(stack, folder, program, devices, fsync="always")
            targets.append(target)
        for at_once, sessions in ((1, 16), (16, 128), (64, 256)):
            await _sessions(
                "append",
                f"W2 APPEND of 30 KB, durable, {at_once} at once",
                targets,
                devices,
                at_once=at_once,
                sessions=sessions,
                unit=("message", 16),
            )


async def _idle(folder: Path) -> None:
    """W3, one server after the other: each has the machine's memory for itself."""
    async with AsyncExitStack() as stack:
        program, services = await _alone(stack, folder)
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(_mailbox(services, number)) for number in range(_IDLERS)]
        people = [task.result() for task in made]
        heard = []
        for account in people[:_HEARERS]:
            device = await _device(services, account)
            heard.append(Idler(account.user, account.password, device.user, device.password))
        idlers = [*heard, *(Idler(each.user, each.password) for each in people[_HEARERS:])]
        ours = await waiting.measure("vvm", program.imap_tls, (program.pid,), idlers)
        if dovecot.installed():
            target, _ = await _dovecot(stack, folder, program, people)
            theirs = [
                *(Idler(each.user, each.password, each.user, each.password) for each in people[:_HEARERS]),
                *idlers[_HEARERS:],
            ]
            other = await waiting.measure("Dovecot, tuned", target.port, target.processes, theirs)
            report.ratio("  memory, ours : Dovecot, tuned", ours, other)


async def _alone(stack: AsyncExitStack, folder: Path) -> tuple[Program, Services]:
    """A server with a store of its own."""
    smsc = SimulatedSmsc()
    await stack.enter_async_context(smsc.running())
    program = await stack.enter_async_context(running(folder, smsc_port=smsc.port, workers=_CORES))
    return program, await stack.enter_async_context(open_services(load(folder / "vvm.toml", os.environ)))


async def _sessions(
    workload: str,
    title: str,
    targets: Sequence[Target],
    accounts: Sequence[Account],
    *,
    at_once: int,
    sessions: int,
    unit: tuple[str, int] = ("session", 1),
) -> None:
    """``unit``: what is counted, and how many of them there are in a session."""
    what, in_session = unit
    count = sessions * in_session
    rounds = await _rounds(workload, targets, at_once, sessions, accounts)
    rates = {}
    for target in targets:
        rate = _median(rounds[target.name], lambda each: count / each.result.seconds)
        server = _median(rounds[target.name], lambda each: each.server_cpu / count * 1000)
        generator = _median(rounds[target.name], lambda each: each.result.cpu / count * 1000)
        p99 = _median(rounds[target.name], lambda each: each.result.p99 * 1000)
        rates[target.name] = rate
        report.row(
            f"{title}: {target.name}",
            f"{rate:,.0f} /s",
            f"CPU {server:.2f} ms a {what}, generator's {generator:.2f}; p99 {p99:.0f} ms",
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


async def _subscriber(services: Services, number: int, options: SubscriberOptions) -> Account:
    """An active one."""
    msisdn = Msisdn(f"+336123{number:05}")
    subscriber = await services.provisioning.create(msisdn, options)
    active = SubscriberChange(changed_at=datetime.now(UTC), status=ProvisioningStatus.READY)
    await services.store.subscribers.change(msisdn, active)
    password = services.keyring.open(subscriber.imap_user, subscriber.password_sealed)
    return Account(msisdn, subscriber.imap_user, password.reveal())


async def _mailbox(services: Services, number: int) -> Account:
    """As ``_subscriber``, without the hash of a PIN, which takes longer than all the rest."""
    msisdn = Msisdn(f"+336124{number:05}")
    user = f"{msisdn[1:]}@vvm.example.net"
    minted = services.keyring.mint(user)
    new = NewSubscriber(
        msisdn=msisdn,
        status=ProvisioningStatus.READY,
        client=ClientProfile(),
        language="eng",
        setup_done=True,
        max_messages=100,
        imap_user=user,
        password_check=minted.check,
        password_sealed=minted.sealed,
        created_at=datetime.now(UTC),
    )
    await services.store.subscribers.create(new)
    return Account(msisdn, user, services.keyring.open(user, minted.sealed).reveal())


async def _device(services: Services, owner: Account) -> Account:
    """A mail client's login to the same mailbox, which may append to it."""
    given = await services.devices.add(Msisdn(owner.msisdn), name="bench", profile=Manners.MAIL)
    return Account(owner.msisdn, given.device.login, given.password.reveal())


async def _fill(services: Services, number: int, messages: int, seconds: float) -> Account:
    """A subscriber with messages that came through the real deposit."""
    account = await _subscriber(services, number, SubscriberOptions(max_messages=messages))
    msisdn = Msisdn(account.msisdn)
    audio = transcode(wav(seconds=seconds), AudioLimits(max_seconds=60)).amr
    envelope = Envelope(caller="+33698765432", received_at=datetime.now(UTC))

    async def deposit(count: int) -> None:
        for _ in range(count):
            await services.deposit(msisdn, audio, envelope)

    async with asyncio.TaskGroup() as group:
        for first in range(min(_AT_A_TIME, messages)):
            group.create_task(deposit(len(range(first, messages, _AT_A_TIME))))
    return account


async def _dovecot(
    stack: AsyncExitStack,
    folder: Path,
    program: Program,
    accounts: Sequence[Account],
    *,
    fsync: str = "optimized",
) -> tuple[Target, dovecot.Dovecot]:
    """Dovecot with the same accounts and certificate, its mailboxes empty."""
    server = await stack.enter_async_context(
        dovecot.running(
            folder / "dovecot",
            {account.user: account.password for account in accounts},
            certificate=program.certificate,
            key=folder / "tls.key",
            fsync=fsync,
        )
    )
    return Target("Dovecot, tuned", server.port, (server.pid,)), server


async def _copy(server: dovecot.Dovecot, accounts: Sequence[Account], services: Services) -> None:
    """The octets of our own messages into the same mailboxes of Dovecot."""
    for account in accounts:
        subscriber = await services.store.subscribers.by_imap_user(account.user)
        if subscriber is None:
            raise RuntimeError("a subscriber that was just made is gone")
        changes = await services.store.mailboxes.changes(subscriber.mailbox, INBOX, 0)
        uids = [] if changes is None else [message.uid for message in changes.changed]
        octets = [await services.store.mailboxes.octets(subscriber.mailbox, INBOX, uid) for uid in uids]
        kept = [each for each in octets if each is not None]
        await asyncio.to_thread(server.fill, {account.user: account.password}, {account.user: kept})


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
