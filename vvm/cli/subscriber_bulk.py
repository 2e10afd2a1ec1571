# SPDX-License-Identifier: Apache-2.0
"""``vvm subscriber import`` and ``export``: whole subscriber bases as files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_error, show_json, show_line
from vvm.cli.subscriber_files import LineWriter, count_lines, is_csv, read_lines
from vvm.domain.errors import Refusal


class BadLines(Refusal):
    """The rest is imported; the report names them."""

    code = "bad_lines"


async def import_(
    file: Annotated[Path, Parameter(help="NDJSON, or CSV when it is named .csv: docs/provisioning.md.")],
    /,
    *,
    config: ConfigFile,
    dry_run: Annotated[bool, Parameter(negative=(), help="Create nobody; tell what would happen.")] = False,
    json: AsJson = False,
) -> None:
    """Give the service to everybody in a file; who has it already is left alone.

    After an interruption the same command goes on.  Exit 1 when a line is bad: the others are imported.
    """
    total = count_lines(file)
    async with opened(config) as services:
        with _progress(total) as advance:
            report = await services.bulk.load(read_lines(file), dry_run=dry_run, progress=advance)
    if json:
        show_json(report)
    else:
        verb = "would be created" if dry_run else "created"
        show_line(f"{report.read} read: {report.created} {verb}, {report.known} known, {report.bad} bad")
        for bad in report.bad_lines:
            show_error(f"line {bad.line}: {bad.reason}")
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
        with file.open("w", encoding="utf-8", newline="") as out, _progress(None) as advance:
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
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's stderr, and nothing anywhere else."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("subscribers", total=total)
        yield lambda count: bar.advance(task, count)
