# SPDX-License-Identifier: Apache-2.0
"""How far a command is that takes longer than two seconds: a bar on a terminal, nothing anywhere else."""

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


@contextmanager
def progress(what: str, *, total: int | None, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Call what is yielded with how many of ``what`` are done more; ``total`` None: nobody knows how many.

    On stderr, and gone at the end.  Not where stderr is no terminal, and not when ``quiet``.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    disable = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=disable, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
