# SPDX-License-Identifier: Apache-2.0
"""Credentials per device in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from vvm.domain.device import Device, DeviceId
from vvm.domain.errors import LoginTaken, PreconditionFailed, TooManyDevices, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.subscriber import ProvisioningStatus, SubscriberId
from vvm.store import rows
from vvm.store.devices import NewCode, NewDevice
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owe

_SQL = statements("devices.sql")


class PostgresDevices:
    """vvm.store.devices.DeviceStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewDevice, *, most: int) -> Device:
        values = msgspec.structs.asdict(new) | {"created_at": rows.microseconds(new.created_at)}

        async def work(connection: Connection) -> Device:
            if await connection.one(_SQL["lock_subscriber"], values) is None:
                raise UnknownSubscriber
            (count,) = await connection.one(_SQL["count_devices"], values)
            if count >= most:
                raise TooManyDevices(most=most)
            row = await connection.one(_SQL["insert_device"], values)
            if row is None:
                raise LoginTaken
            return Device(id=DeviceId(row[0]), **msgspec.structs.asdict(new))

        return await self._database.write(work)

    async def by_login(self, login: str) -> Device | None:
        return await self._one("device_by_login", {"login": login})

    async def by_id(self, device: DeviceId) -> Device | None:
        return await self._one("device_by_id", {"id": device})

    async def of(self, subscriber: SubscriberId) -> Sequence[Device]:
        found = await self._database.all(_SQL["devices_of"], {"subscriber": subscriber})
        return [rows.device(row) for row in found]

    async def used(self, device: DeviceId, *, at: datetime) -> None:
        what = {"id": device, "at": rows.microseconds(at)}
        await self._database.decide(_SQL["device_used"], what, durable=False)

    async def revoke(
        self, subscriber: SubscriberId, device: DeviceId, *, as_read: Device | None = None
    ) -> bool:
        which = {"id": device, "subscriber": subscriber}

        async def work(connection: Connection) -> bool:
            row = await connection.one(_SQL["lock_device"], which)
            if row is None:
                return False
            if as_read not in {None, rows.device(row)}:
                raise PreconditionFailed
            await connection.all(_SQL["revoke_device"], which)
            return True

        return await self._database.write(work)

    async def offer(self, subscriber: SubscriberId, code: NewCode, owed: Sequence[Owed]) -> None:
        values = {
            "subscriber": subscriber,
            "check": code.check,
            "sealed": code.sealed,
            "expires_at": rows.microseconds(code.expires_at),
        }

        async def work(connection: Connection) -> None:
            if await connection.one(_SQL["lock_subscriber"], values) is None:
                raise UnknownSubscriber
            await connection.all(_SQL["offer_code"], values)
            await owe(connection, owed)

        await self._database.write(work)

    async def offered(self, subscriber: SubscriberId, *, now: datetime) -> bytes | None:
        where = {"subscriber": subscriber, "now": rows.microseconds(now)}
        row = await self._database.one(_SQL["offered_code"], where)
        return None if row is None else row[0]

    async def take_code_try(self, subscriber: SubscriberId, *, now: datetime, most: int) -> bytes | None:
        what = {"subscriber": subscriber, "now": rows.microseconds(now), "most": most}
        found = await self._database.decide(_SQL["take_code_try"], what, durable=False)
        return found[0][0] if found else None

    async def use_code(self, subscriber: SubscriberId, check: bytes) -> bool:
        which = {"subscriber": subscriber, "check": check}
        return bool(await self._database.decide(_SQL["use_code"], which))

    async def admits(self, device: DeviceId) -> bool:
        row = await self._database.one(_SQL["device_owner_status"], {"id": device})
        return row is not None and ProvisioningStatus(row[0]).served

    async def _one(self, statement: str, key: dict[str, object]) -> Device | None:
        row = await self._database.one(_SQL[statement], key)
        return None if row is None else rows.device(row)
