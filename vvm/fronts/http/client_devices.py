# SPDX-License-Identifier: Apache-2.0
"""``/client/v1``: clients of one's own are activated by a code from an SMS (docs/self-service.md)."""

from __future__ import annotations

from base64 import b64decode
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.answers import document
from vvm.fronts.http.auth import Unauthorized
from vvm.fronts.http.body import decode, read_body
from vvm.fronts.http.settings import HttpSettings
from vvm.services.device_codes import DeviceCodes
from vvm.services.devices import Devices
from vvm.services.login import Login, LoginRefused
from vvm.services.settings import ServiceSettings

_MAX_BYTES = 4096

ShortText = Annotated[str, msgspec.Meta(max_length=64)]


class CodeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    msisdn: ShortText


class DeviceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    msisdn: ShortText
    code: ShortText
    name: ShortText


class ImapAccount(msgspec.Struct, frozen=True):
    """Where and how the device logs in."""

    host: str
    port: int
    security: str
    """starttls."""
    login: str
    password: str
    """In this answer and in no other."""


class DeviceAnswer(msgspec.Struct, frozen=True):
    device: int
    name: str
    imap: ImapAccount


class ClientDeviceRoutes:
    def __init__(
        self,
        codes: DeviceCodes,
        devices: Devices,
        login: Login,
        settings: HttpSettings,
        *,
        service: ServiceSettings,
    ) -> None:
        self._codes = codes
        self._devices = devices
        self._login = login
        self._settings = settings
        self._service = service

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/client/v1/codes", self.send_code)
        app.router.add_post("/client/v1/devices", self.add)
        app.router.add_delete("/client/v1/devices/self", self.sign_out)

    async def send_code(self, request: web.Request) -> web.Response:
        """The answer is the same for a number that is not served."""
        asked = decode(await self._body(request), CodeRequest)
        await self._codes.request(parse_msisdn(asked.msisdn))
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def add(self, request: web.Request) -> web.Response:
        asked = decode(await self._body(request), DeviceRequest)
        given = await self._codes.redeem(parse_msisdn(asked.msisdn), asked.code, name=asked.name)
        account = ImapAccount(
            host=self._service.imap_host,
            port=self._service.imap_port,
            security="starttls",
            login=given.device.login,
            password=given.password.reveal(),
        )
        return document(DeviceAnswer(given.device.id, given.device.name, account), HTTPStatus.CREATED)

    async def sign_out(self, request: web.Request) -> web.Response:
        """A device revokes itself, with its own login and password (RFC 7617)."""
        try:
            admitted = await self._login(*_basic(request))
        except LoginRefused:
            raise Unauthorized("the login and password of a device are needed") from None
        if admitted.device is None:
            raise Unauthorized("the login and password of a device are needed")
        await self._devices.revoke(admitted.subscriber.msisdn, admitted.device.id)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _body(self, request: web.Request) -> bytes:
        return await read_body(request, limit_bytes=_MAX_BYTES, seconds=self._settings.body_seconds)


def _basic(request: web.Request) -> tuple[str, str]:
    """Raises Unauthorized."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        text = b64decode(given.strip(), validate=True).decode()
    except ValueError:
        text = ""
    user, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Unauthorized("the login and password of a device are needed")
    return user, password
