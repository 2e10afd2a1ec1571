# SPDX-License-Identifier: Apache-2.0
"""IMAP sync sessions a second over TLS, against a server of canned answers under the same load."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import report
from tests.bench.program import Program, running
from tests.unit.audio_samples import wav
from vvm.config.load import load
from vvm.domain.message import Envelope
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ProvisioningStatus
from vvm.runtime.wiring import open_services
from vvm.services.provisioning import SubscriberOptions
from vvm.store.port import SubscriberChange

_MAILBOXES = 32
_MESSAGES = 20
_SESSIONS = 1024
_ROUNDS = 3
_VOICE_SECONDS = 13.6
"""A message of 30 KB as it lies on the wire."""


def run(folder: Path) -> None:
    report.section("IMAP: sync sessions over TLS 1.3, one process (W1: 7 commands, a body of 30 KB)")
    asyncio.run(_run(folder / "imap"))


async def _run(folder: Path) -> None:
    smsc = SimulatedSmsc()
    async with smsc.running(), running(folder, smsc_port=smsc.port) as program:
        accounts = await _fill(program)
        canned = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bench.imap_canned",
            str(program.certificate),
            str(folder / "tls.key"),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert canned.stdout is not None
            ceiling_port = int(await canned.stdout.readline())
            for at_once in (16, 128):
                ours, ceiling = [], []
                for _ in range(_ROUNDS):  # in turns, so that a noisy moment hits both
                    ours.append(await _load(program.imap_tls, program, at_once, accounts))
                    ceiling.append(await _load(ceiling_port, program, at_once, accounts))
                best = report.rate(f"vvm serve, {at_once} at once", _SESSIONS, sorted(ours)[_ROUNDS // 2])
                top = report.rate(
                    f"canned answers, {at_once} at once", _SESSIONS, sorted(ceiling)[_ROUNDS // 2]
                )
                report.ratio(f"  against canned answers, {at_once} at once", best, top)
        finally:
            canned.terminate()
            await canned.wait()


async def _load(port: int, program: Program, at_once: int, accounts: str) -> float:
    """Seconds for all sessions."""
    generator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.imap_load",
        str(port),
        str(program.certificate),
        str(at_once),
        str(_SESSIONS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await generator.communicate(accounts.encode())
    if generator.returncode:
        raise RuntimeError("the load generator failed")
    return float(output)


async def _fill(program: Program) -> str:
    """Make the mailboxes; the accounts as the generator reads them."""
    config = load(program.folder / "vvm.toml", os.environ)
    audio = wav(seconds=_VOICE_SECONDS)
    lines = []
    async with open_services(config) as services:
        for number in range(_MAILBOXES):
            msisdn = Msisdn(f"+3361234{number:04}")
            subscriber = await services.provisioning.create(msisdn, SubscriberOptions())
            active = SubscriberChange(changed_at=datetime.now(UTC), status=ProvisioningStatus.READY)
            await services.store.subscribers.change(msisdn, active)
            password = services.keyring.open(subscriber.imap_user, subscriber.password_sealed)
            lines.append(f"{subscriber.imap_user} {password.reveal()}")
            envelope = Envelope(caller="+33698765432", received_at=datetime.now(UTC))
            async with asyncio.TaskGroup() as group:
                for _ in range(_MESSAGES):
                    group.create_task(_deposit(services.deposit, msisdn, audio, envelope))
    return "\n".join(lines)


async def _deposit(deposit: object, msisdn: Msisdn, audio: bytes, envelope: Envelope) -> None:
    await deposit(msisdn, audio, envelope)  # type: ignore[operator]
