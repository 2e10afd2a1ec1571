# SPDX-License-Identifier: Apache-2.0
"""``/v1/subscribers/{msisdn}/devices``: logins of devices, as an operator sees and revokes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from vvm.domain.device import Device, DeviceId
from vvm.fronts.http.answers import created, document
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.etags import conditions, device_tag, shown, tagged
from vvm.fronts.http.fields import Profile
from vvm.fronts.http.repeats import REPEAT
from vvm.fronts.http.request import path_msisdn
from vvm.fronts.http.settings import HttpSettings
from vvm.services.devices import Devices, NewCredentials


class DeviceDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    profile: Profile = ""


class DeviceView(msgspec.Struct, frozen=True):
    """What is told of a device: no password, in any form."""

    id: int
    name: str
    profile: str
    login: str
    created_at: datetime
    last_used_at: datetime | None


class NewDeviceView(DeviceView, frozen=True):
    password: str
    """In this answer and in no other."""


class DevicePage(msgspec.Struct, frozen=True):
    devices: tuple[DeviceView, ...]
    """Oldest first; a subscriber has few."""


class DeviceRoutes:
    def __init__(self, devices: Devices, settings: HttpSettings) -> None:
        self._devices = devices
        self._settings = settings

    async def page(self, request: web.Request) -> web.Response:
        found = await self._devices.of(path_msisdn(request))
        return document(DevicePage(tuple(device_view(device) for device in found)))

    async def add(self, request: web.Request) -> web.Response:
        msisdn = path_msisdn(request)
        settings = self._settings
        body = await read_body(request, limit_bytes=settings.max_json_bytes, seconds=settings.body_seconds)
        wanted = decode(body, DeviceDocument)
        given = await self._devices.add(
            msisdn, name=wanted.name, profile=wanted.profile, request=request.get(REPEAT)
        )
        location = f"/v1/subscribers/{msisdn}/devices/{given.device.id}"
        return tagged(created(new_device_view(given), location=location), device_tag(given.device))

    async def show(self, request: web.Request) -> web.Response:
        device = await self._devices.show(path_msisdn(request), _path_device(request))
        return shown(request, document(device_view(device)), device_tag(device))

    async def revoke(self, request: web.Request) -> web.Response:
        msisdn = path_msisdn(request)
        before = await self._devices.show(msisdn, _path_device(request))
        as_read = conditions(request).allow(device_tag(before), before)
        await self._devices.revoke(msisdn, before.id, as_read=as_read)
        return web.Response(status=204)


def device_view(device: Device) -> DeviceView:
    return DeviceView(
        id=device.id,
        name=device.name,
        profile=device.profile,
        login=device.login,
        created_at=device.created_at,
        last_used_at=device.last_used_at,
    )


def new_device_view(given: NewCredentials) -> NewDeviceView:
    seen = msgspec.structs.asdict(device_view(given.device))
    return NewDeviceView(**seen, password=given.password.reveal())


def _path_device(request: web.Request) -> DeviceId:
    return DeviceId(int(request.match_info["device"]))
