# SPDX-License-Identifier: Apache-2.0
"""What the store that is there would say to a start: looked at, and not changed.

Not a rule of the configuration, which every command asks: those that mend a store must come that far.
"""

from __future__ import annotations

from collections.abc import Iterator

from vvm.config.errors import Mistake
from vvm.config.sections import Config
from vvm.config.toml import render
from vvm.services.credentials import Keyring, SealBroken
from vvm.store.handover import HandedOver
from vvm.store.sqlite.glance import NoDatabase, glance


def foresee(config: Config) -> Iterator[Mistake]:
    """Of a configuration without mistakes; PostgreSQL is not asked.  Raises OSError."""
    path = config.store.path
    if path is None or not path.exists():
        return
    key = config.master_key_path
    file = render(config.secrets.master_key_file)
    try:
        found = glance(path)
    except NoDatabase as error:
        yield Mistake("store.url", f"a store: {error}", render(config.store.url))
        return
    if found.marked is not None:
        right = f"a store to serve from: {HandedOver(found.marked.role, found.marked.place)}"
        yield Mistake("store.url", right, render(config.store.url))
    if found.in_blobs and not config.blobs.url:
        yield Mistake("blobs.url", f"where the octets of messages in {path} lie", render(""))
    if not key.exists():
        right = f"the master key that belongs to {path}: {key} is missing"
        yield Mistake("secrets.master_key_file", right, file)
    elif found.sealed is not None:
        try:
            Keyring(key.read_bytes()).open(*found.sealed)
        except SealBroken:
            right = f"the master key that sealed the passwords in {path}: {key} is another one"
            yield Mistake("secrets.master_key_file", right, file)
