# SPDX-License-Identifier: Apache-2.0
"""``/vvm3``: where VVM3 clients subscribe by themselves.  Reached by everybody, opened by no token.

The gateway answers a request that names a number; the portal is a page with one link; the link subscribes.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

import structlog
from aiohttp import web

from vvm.domain.errors import Refusal
from vvm.fronts.http.body import read_body
from vvm.fronts.http.problems import STATUS, BadRequest
from vvm.fronts.http.settings import HttpSettings
from vvm.omtp.vvm3 import (
    SUCCESS,
    BadVmgRequest,
    parse_vmg_request,
    render_portal,
    render_subscribed,
    render_vmg_answer,
)
from vvm.services.subscription import Subscription

log = structlog.get_logger(__name__)

GATEWAY = "/vvm3/vmg"
PORTAL = "/vvm3/spg"
_COOKIE = "vvm3"
_MAX_BYTES = 8192
_MAX_FIELDS = 20
_MDN_FIELD = "VZW_MDN"


class Vvm3Routes:
    def __init__(self, subscription: Subscription, settings: HttpSettings, *, url: str) -> None:
        """``url`` is what the paths hang from as a handset sees it, without a slash at its end."""
        self._subscription = subscription
        self._settings = settings
        self._url = url

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(GATEWAY, self.gateway)
        for method in ("GET", "POST"):
            app.router.add_route(method, f"{PORTAL}/{{token}}", self.portal)
            app.router.add_route(method, f"{PORTAL}/{{token}}/subscribe", self.subscribe)

    async def gateway(self, request: web.Request) -> web.Response:
        """The answer has the transaction of the request, whether it is a refusal or not (row V3-02)."""
        body = await self._body(request)
        try:
            asked = parse_vmg_request(body)
        except BadVmgRequest as bad:
            raise BadRequest(str(bad)) from None
        try:
            token = await self._subscription.open(asked.mdn)
        except Refusal as refusal:
            status = STATUS.get(refusal.code, HTTPStatus.BAD_REQUEST)
            return _xml(render_vmg_answer(asked, code=status, words=str(refusal)), status)
        answer = render_vmg_answer(
            asked, code=SUCCESS, words="SUCCESS", spg_url=f"{self._url}{PORTAL}/{token}"
        )
        return _xml(answer)

    async def portal(self, request: web.Request) -> web.Response:
        """A form of AOSP or nothing; only the number in it is looked at."""
        portal = self._subscription.portal(request.match_info["token"], mdn=await self._mdn(request))
        page = _html(render_portal(f"{self._url}{PORTAL}/{portal.token}/subscribe"))
        page.set_cookie(_COOKIE, portal.cookie, path=PORTAL, httponly=True, samesite="Lax")
        return page

    async def subscribe(self, request: web.Request) -> web.Response:
        """POST of AOSP, GET of vvmd (row V3-03)."""
        await self._body(request)
        cookie = request.cookies.get(_COOKIE, "")
        await self._subscription.subscribe(request.match_info["token"], cookie=cookie)
        return _html(render_subscribed())

    async def _mdn(self, request: web.Request) -> str:
        body = await self._body(request)
        try:
            fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=_MAX_FIELDS)
        except ValueError:
            raise BadRequest("more fields than the form has") from None
        return fields.get(_MDN_FIELD, [""])[0]

    async def _body(self, request: web.Request) -> bytes:
        return await read_body(request, limit_bytes=_MAX_BYTES, seconds=self._settings.body_seconds)


def _xml(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status, body=body, content_type="text/xml", headers={"Cache-Control": "no-store"}
    )


def _html(text: str) -> web.Response:
    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
