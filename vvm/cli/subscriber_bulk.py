# SPDX-License-Identifier: Apache-2.0
"""``vvm subscriber import`` and ``export``: whole subscriber bases as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from vvm.cli.files import private_file, private_text
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Reason
from vvm.cli.output import show_error, show_json, show_line
from vvm.cli.progress import progress
from vvm.cli.subscriber_files import LineWriter, count_lines, is_csv, read_lines
from vvm.domain.errors import Refusal
from vvm.services.bulk import REPORTED, BadLine, ChangedLine


class BadLines(Refusal):
    """The rest is imported; the report names them."""

    code = "bad_lines"


async def import_(
    file: Annotated[Path, Parameter(help="NDJSON, or CSV when it is named .csv: docs/provisioning.md.")],
    /,
    *,
    config: ConfigFile,
    update: Annotated[
        bool, Parameter(negative=(), help="Bring who is there already to what its line says.")
    ] = False,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Create and change nobody; tell what would happen.")
    ] = False,
    bad_lines: Annotated[
        Path | None,
        Parameter(
            show_default=False,
            help=f"Also write every bad line there, as NDJSON; else {REPORTED} of them are told.",
        ),
    ] = None,
    reason: Reason = "import",
    json: AsJson = False,
) -> None:
    """Give the service to everybody in a file; without --update, who has it already is left alone.

    After an interruption the same command goes on.  Exit 1 when a line is bad: the others are imported.
    """
    total = count_lines(file)
    async with opened(config) as services:
        with _every(bad_lines) as refused, progress("subscribers", total=total, quiet=json) as advance:
            report = await services.bulk.load(
                read_lines(file),
                dry_run=dry_run,
                progress=advance,
                update=update,
                reason=reason,
                refused=refused,
            )
    if json:
        show_json(report)
    else:
        would = "would be " if dry_run else ""
        show_line(
            f"{report.read} read: {report.created} {would}created, {report.updated} {would}updated,"
            f" {report.known} known, {report.bad} bad"
        )
        for changed in report.changes if dry_run else ():
            show_line(f"line {changed.line}: {changed.msisdn}: {_told(changed)}")
        for bad in report.bad_lines:
            show_error(f"line {bad.line}: {bad.reason}")
        if len(report.bad_lines) < report.bad and bad_lines is None:
            show_error(f"and {report.bad - len(report.bad_lines)} more: --bad-lines FILE has them all")
    if report.bad:
        raise BadLines(f"{report.bad} lines are bad")


async def export(
    file: Annotated[Path, Parameter(help="Written anew: NDJSON, or CSV when its name ends with .csv.")],
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Write every subscriber to a file that import takes, without passwords and PINs."""
    count = 0
    async with opened(config) as services:
        with (
            private_text(file) as out,
            progress("subscribers", total=None, quiet=json) as advance,
        ):
            writer = LineWriter(out, as_csv=is_csv(file))
            async for line in services.bulk.dump():
                writer.write(line)
                count += 1
                advance(1)
    if json:
        show_json({"exported": count})
    else:
        show_line(f"{count} exported")


@contextmanager
def _every(file: Path | None) -> Iterator[Callable[[BadLine], None]]:
    """What writes a bad line into a file, where one is named."""
    if file is None:
        yield lambda _: None
        return
    with private_file(file) as out:

        def write(bad: BadLine) -> None:
            out.write(msgspec.json.encode(bad) + b"\n")

        yield write


def _told(changed: ChangedLine) -> str:
    """What was and what shall be, column by column."""
    return ", ".join(
        f"{name} {_word(before)} -> {_word(after)}" for name, (before, after) in changed.changes.items()
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()
