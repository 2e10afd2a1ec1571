# SPDX-License-Identifier: Apache-2.0
"""How far a command is that may take longer than two seconds: on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)


def bars(*, quiet: bool) -> Progress:
    """Bars on stderr, which are gone at the end.

    None where stderr is no terminal, and none when ``quiet``: for a program that reads the answer.
    """
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),  # lines stand above the bars, and in a file where that is meant
        transient=True,
    )


@contextmanager
def progress(what: str, *, total: int | None = None, quiet: bool) -> Iterator[Callable[[int], None]]:
    """One bar: call what is yielded with how many of ``what`` are done more; ``total``, if that is known."""
    with bars(quiet=quiet) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.advance(task, count)
