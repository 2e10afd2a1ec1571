# SPDX-License-Identifier: Apache-2.0
"""A site on PostgreSQL that is backed up: its database, its master key, its blobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from tests.contract.samples import new_message, new_subscriber
from vvm.config.sections import Config, SecretsSettings, StateSettings, StoreSettings
from vvm.domain.message import INBOX
from vvm.domain.numbers import Msisdn
from vvm.runtime.backup import Backup
from vvm.runtime.blobs import shelf_of
from vvm.runtime.stores import open_store
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.settings import BlobSettings
from vvm.store.port import Store
from vvm.store.settings import PostgresSettings

_KEY = bytes(range(MASTER_KEY_BYTES))


class Site:
    """``directory`` holds the key, and the blobs where they are files."""

    def __init__(self, directory: Path, url: str, blobs: BlobSettings | None = None, **postgres: Any) -> None:
        directory.mkdir(exist_ok=True)
        (directory / "master.key").write_bytes(_KEY)
        self.directory = directory
        self.url = url
        self.config = Config(
            state=StateSettings(str(directory)),
            store=StoreSettings(url, PostgresSettings(connections=4, partitions=4, **postgres)),
            secrets=SecretsSettings(str(directory / "master.key")),
            blobs=blobs or BlobSettings(url=f"file://{directory}/blobs", encrypt=True),
        )

    def backup(self, directory: Path) -> Backup:
        return Backup(directory, self.config, lambda *_: None)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        """As the server opens it."""
        blobs = blob_store(self.config.blobs)
        try:
            shelf = shelf_of(self.config.blobs, blobs, Keyring(_KEY))
            async with open_store(self.config.store, shelf=shelf) as store:
                yield store
        finally:
            if blobs is not None:
                await blobs.close()

    async def rows(self, statement: str) -> Sequence[Any]:
        connection: Any = await asyncpg.connect(self.url)
        try:
            return list(map(tuple, await connection.fetch(statement)))
        finally:
            await connection.close()

    @property
    def blob_files(self) -> list[Path]:
        return sorted(path for path in (self.directory / "blobs").rglob("*") if path.is_file())

    def write(self) -> Path:
        """Its configuration as a file, for the program; the path."""
        config = msgspec.to_builtins(self.config)
        store, blobs = config["store"], config["blobs"]
        file = self.directory / "vvm.toml"
        file.write_text(
            f'[state]\ndirectory = "{self.directory}"\n[store]\nurl = "{store["url"]}"\n'
            f'[store.postgres]\npartitions = 4\nprograms = "{store["postgres"]["programs"]}"\n'
            f'[secrets]\nmaster_key_file = "{self.directory}/master.key"\n'
            f'[blobs]\nurl = "{blobs["url"]}"\n'
        )
        return file


def number(index: int) -> Msisdn:
    return Msisdn(f"+3361234{index:04}")


async def deposit(store: Store, msisdn: Msisdn, octets: bytes) -> int:
    subscriber = await store.subscribers.by_msisdn(msisdn)
    assert subscriber is not None
    stored = await store.mailboxes.append(subscriber.mailbox, INBOX, new_message(octets))
    return stored.uid


async def fill(store: Store, *, subscribers: int = 3, messages: int = 2) -> None:
    for index in range(subscribers):
        await store.subscribers.create(new_subscriber(number(index), imap_user=f"{index}@vvm.example.net"))
        for uid in range(messages):
            await deposit(store, number(index), _octets(index, uid))


def _octets(index: int, uid: int) -> bytes:
    return b"Subject: hello\r\n\r\n%d of %d\r\n" % (uid, index)


async def heard(store: Store, msisdn: Msisdn) -> dict[int, bytes | None]:
    """What a client gets that fetches its INBOX."""
    subscriber = await store.subscribers.by_msisdn(msisdn)
    assert subscriber is not None
    states = await store.mailboxes.states(subscriber.mailbox, INBOX)
    return {state.uid: await store.mailboxes.octets(subscriber.mailbox, INBOX, state.uid) for state in states}
