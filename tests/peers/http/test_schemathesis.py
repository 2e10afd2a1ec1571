# SPDX-License-Identifier: Apache-2.0
"""schemathesis reads the contract from the running program and tries everything that it promises.

It has the administrator's token, which has every scope.  The budget of time and the seed stand in
schemathesis.toml; each report ends with the seed.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.peers.smsc.install import virtual_environment
from tests.process.clients import Api, api_of
from tests.process.program import Program, running

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent / "schemathesis"
PHONES = ("+33612345678", "+33612345679")
_NO_SMSC = 9
_RUN_SECONDS = 200.0


@pytest.fixture(scope="module")
def interpreter() -> Path:
    return virtual_environment("schemathesis", HERE / "requirements.txt")


async def _fill(api: Api) -> None:
    """Something for the requests to be about."""
    for msisdn in PHONES:
        await api.add(msisdn)
        for _ in range(3):
            await api.deposit_speech(msisdn)
    for _ in range(3):
        assert (await api.call("POST", "webhooks", json={"url": "https://127.0.0.1:9/"}))[0] == 201


async def _try(interpreter: Path, program: Program) -> tuple[int, str]:
    """Exit code and report of a run."""
    base = f"http://127.0.0.1:{program.http_port}/v1"
    process = await asyncio.create_subprocess_exec(
        interpreter,
        *("-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", f"{base}/openapi.yaml"),
        *("--url", base, "--header", f"Authorization: Bearer {program.token}", "--no-color"),
        cwd=HERE,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            report, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return await process.wait(), report.decode()


async def test_the_program_keeps_every_promise_of_the_contract(interpreter: Path, tmp_path: Path) -> None:
    async with running(tmp_path, smsc_port=_NO_SMSC) as program, api_of(program) as api:
        await _fill(api)
        code, report = await _try(interpreter, program)
        print(report)
        assert code == 0, report
        assert "Selected: " in report
    assert '"request_failed"' not in (tmp_path / "vvm.log").read_text()
