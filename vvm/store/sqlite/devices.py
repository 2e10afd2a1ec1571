# SPDX-License-Identifier: Apache-2.0
"""Credentials per device in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec

from vvm.domain.device import Device, DeviceId
from vvm.domain.errors import LoginTaken, PreconditionFailed, TooManyDevices, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.subscriber import ProvisioningStatus, SubscriberId
from vvm.store import rows
from vvm.store.devices import NewCode, NewDevice
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.outbox import insert_owed

_SQL = named_statements("vvm.store.sqlite.queries", "devices.sql")


class SqliteDevices:
    """vvm.store.devices.DeviceStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def add(self, new: NewDevice, *, most: int) -> Device:
        values = msgspec.structs.asdict(new) | {"created_at": rows.microseconds(new.created_at)}

        def work(connection: sqlite3.Connection) -> Device:
            owner = (new.subscriber,)
            if connection.execute(_SQL["subscriber_exists"], owner).fetchone() is None:
                raise UnknownSubscriber
            (count,) = connection.execute(_SQL["count_devices"], owner).fetchone()
            if count >= most:
                raise TooManyDevices(most=most)
            try:
                (device,) = connection.execute(_SQL["insert_device"], values).fetchone()
            except sqlite3.IntegrityError:
                raise LoginTaken from None
            return Device(id=DeviceId(device), **msgspec.structs.asdict(new))

        return await self._write(work)

    async def by_login(self, login: str) -> Device | None:
        return self._one("device_by_login", login)

    async def by_id(self, device: DeviceId) -> Device | None:
        return self._one("device_by_id", device)

    async def of(self, subscriber: SubscriberId) -> Sequence[Device]:
        return [rows.device(row) for row in self._reader.all(_SQL["devices_of"], (subscriber,))]

    async def used(self, device: DeviceId, *, at: datetime) -> None:
        what = {"id": device, "at": rows.microseconds(at)}

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_SQL["device_used"], what)

        await self._write(work, durable=False)

    async def revoke(
        self, subscriber: SubscriberId, device: DeviceId, *, as_read: Device | None = None
    ) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(_SQL["device_by_id"], (device,)).fetchone()
            found = None if row is None else rows.device(row)
            if found is None or found.subscriber != subscriber:
                return False
            if as_read not in {None, found}:
                raise PreconditionFailed
            connection.execute(_SQL["revoke_device"], (device,))
            return True

        return await self._write(work)

    async def offer(self, subscriber: SubscriberId, code: NewCode, owed: Sequence[Owed]) -> None:
        values = {
            "subscriber": subscriber,
            "check": code.check,
            "sealed": code.sealed,
            "expires_at": rows.microseconds(code.expires_at),
        }

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_SQL["subscriber_exists"], (subscriber,)).fetchone() is None:
                raise UnknownSubscriber
            connection.execute(_SQL["offer_code"], values)
            insert_owed(connection, owed)

        await self._write(work)

    async def offered(self, subscriber: SubscriberId, *, now: datetime) -> bytes | None:
        row = self._reader.one(
            _SQL["offered_code"], {"subscriber": subscriber, "now": rows.microseconds(now)}
        )
        return None if row is None else bytes(row[0])

    async def take_code_try(self, subscriber: SubscriberId, *, now: datetime, most: int) -> bytes | None:
        what = {"subscriber": subscriber, "now": rows.microseconds(now), "most": most}

        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(_SQL["take_code_try"], what).fetchone()
            return None if row is None else bytes(row[0])

        return await self._write(work, durable=False)

    async def use_code(self, subscriber: SubscriberId, check: bytes) -> bool:
        which = {"subscriber": subscriber, "check": check}

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute(_SQL["use_code"], which).fetchone() is not None

        return await self._write(work)

    async def admits(self, device: DeviceId) -> bool:
        row = self._reader.one(_SQL["device_owner_status"], (device,))
        return row is not None and ProvisioningStatus(row[0]).served

    def _one(self, statement: str, key: object) -> Device | None:
        row = self._reader.one(_SQL[statement], (key,))
        return None if row is None else rows.device(row)
