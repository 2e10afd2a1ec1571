# SPDX-License-Identifier: Apache-2.0
"""Secrets that stand in files of their own, so that the configuration itself may be shown to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vvm.config.compare import Raw, inner_tables
from vvm.config.errors import Mistake
from vvm.config.schema import FILE, Settings, fields
from vvm.config.toml import render
from vvm.domain.secrets import Secret

MAX_SECRET_BYTES = 4096


def read_secret(path: Path) -> Secret:
    """The one line of a file.  Raises OSError, and ValueError when it holds anything else."""
    with path.open("rb") as file:
        octets = file.read(MAX_SECRET_BYTES + 1)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise ValueError("a file of UTF-8 text") from None
    lines = text.splitlines()
    if len(octets) > MAX_SECRET_BYTES or len(lines) != 1 or not lines[0]:
        raise ValueError("a file with the secret as its only line")
    return Secret(lines[0])


def take_secrets(raw: Raw, settings: Settings, prefix: str = "") -> Iterator[Mistake]:
    """Put the text of the file that ``password_file`` names in the place of ``password``."""
    for field in fields(settings):
        if field.table:
            for key, table in inner_tables(raw.get(field.name), field.table, prefix + field.name):
                yield from take_secrets(table, field.table.settings, f"{key}.")
        if field.secret and field.name + FILE in raw:
            yield from _take_secret(raw, field.name, prefix)


def _take_secret(raw: Raw, name: str, prefix: str) -> Iterator[Mistake]:
    file = raw.pop(name + FILE)
    key = prefix + name + FILE
    if name in raw:
        yield Mistake(key, f"give either this or {name}, not both")
    elif not isinstance(file, str):
        yield Mistake(key, "expected string: the name of a file")
    else:
        try:
            raw[name] = read_secret(Path(file)).reveal()
        except OSError as error:
            yield Mistake(key, f"a file that can be read: {error.strerror}", render(file))
        except ValueError as error:
            yield Mistake(key, str(error), render(file))
