# SPDX-License-Identifier: Apache-2.0
"""Every error leaves as a problem document (RFC 9457) with a stable ``code``.

Who has to act decides what is said.  A refusal is the caller's to understand, so its text goes out;
an outage or a bug is ours, so the caller hears only that, and the log hears the rest.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vvm.domain.errors import Outage, Refusal, TooLarge
from vvm.fronts.http.access import PROBLEM_CODE, REQUEST_ID
from vvm.fronts.http.rates import TooManyRequests
from vvm.fronts.http.settings import HttpSettings
from vvm.services.repeats import InProgress

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="vvm"'

STATUS = {
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_invited": HTTPStatus.FORBIDDEN,
    "wrong_code": HTTPStatus.FORBIDDEN,
    "unknown_device": HTTPStatus.NOT_FOUND,
    "too_many_devices": HTTPStatus.CONFLICT,
    "invalid_device": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_transaction": HTTPStatus.FORBIDDEN,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "unknown_subscriber": HTTPStatus.NOT_FOUND,
    "unknown_message": HTTPStatus.NOT_FOUND,
    "no_such_cos": HTTPStatus.NOT_FOUND,
    "no_dead_letter": HTTPStatus.NOT_FOUND,
    "unknown_webhook": HTTPStatus.NOT_FOUND,
    "unknown_dead_event": HTTPStatus.NOT_FOUND,
    "no_sound": HTTPStatus.NOT_FOUND,
    "not_acceptable": HTTPStatus.NOT_ACCEPTABLE,
    "body_timeout": HTTPStatus.REQUEST_TIMEOUT,
    "request_in_progress": HTTPStatus.CONFLICT,
    "outcome_unknown": HTTPStatus.CONFLICT,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "subscriber_exists": HTTPStatus.CONFLICT,
    "subscriber_held": HTTPStatus.CONFLICT,
    "subscriber_closed": HTTPStatus.CONFLICT,
    "is_alias": HTTPStatus.CONFLICT,
    "number_quarantined": HTTPStatus.CONFLICT,
    "too_many_aliases": HTTPStatus.CONFLICT,
    "unknown_alias": HTTPStatus.NOT_FOUND,
    "nothing_to_tell": HTTPStatus.CONFLICT,
    "cos_in_use": HTTPStatus.CONFLICT,
    "invalid_transition": HTTPStatus.CONFLICT,
    "too_many_keywords": HTTPStatus.CONFLICT,
    "seal_broken": HTTPStatus.CONFLICT,
    "too_many_webhooks": HTTPStatus.CONFLICT,
    "precondition_failed": HTTPStatus.PRECONDITION_FAILED,
    # Not 507: a client would repeat what a 5xx answered, and only the subscriber can make room.
    "over_quota": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "bad_cursor": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_time": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_webhook": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_audio": HTTPStatus.UNPROCESSABLE_ENTITY,
    "audio_too_long": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unfit_greeting": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unreadable_message": HTTPStatus.UNPROCESSABLE_ENTITY,
    "message_too_short": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown_carrier": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown_language": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unfit_pin": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown_cos": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_cos": HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The status of a refusal by its code; 400 for those that are not named.

400 is a request without the form that openapi.yaml promises; 422 has the form and asks for what cannot be.
"""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """RFC 9457 section 3.1, with members of our own: ``code`` and ``request_id``.

    ``type`` is left out, which means about:blank: the title is then the status's own phrase.
    """

    title: str
    status: int
    code: str
    detail: str = ""
    request_id: str


class BadRequest(Refusal):
    """Something in the request is not what this API takes."""

    code = "bad_request"


class UnsupportedEncoding(Refusal):
    """A compressed body could grow without a limit."""

    code = "unsupported_encoding"


class BodyTimeout(Refusal):
    """The body did not arrive in time."""

    code = "body_timeout"


def problems(settings: HttpSettings) -> Middleware:
    """The middleware that turns whatever a route raises into a problem document."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(settings.request_seconds):
                return await handler(request)
        except Refusal as refusal:
            return _refused(request, refusal)
        except (Outage, TimeoutError) as outage:
            log.warning("request_not_served", reason=getattr(outage, "code", "timeout"), detail=str(outage))
            return _unavailable(request, settings.retry_after_seconds)
        except web.HTTPException as answer:
            return _routing(request, answer)
        except Exception:  # the last resort: a bug must cost one request and show nothing of itself
            log.exception("request_failed")
            return respond(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "")

    return middleware


def respond(
    request: web.Request,
    status: HTTPStatus,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """A problem document as an answer; the log has its code too."""
    request[PROBLEM_CODE] = code
    problem = Problem(
        title=status.phrase,
        status=status.value,
        code=code,
        detail=detail,
        request_id=request[REQUEST_ID],
    )
    return web.Response(
        status=status, body=msgspec.json.encode(problem), content_type=CONTENT_TYPE, headers=headers
    )


def _refused(request: web.Request, refusal: Refusal) -> web.Response:
    status = STATUS.get(refusal.code, HTTPStatus.BAD_REQUEST)
    headers = {"WWW-Authenticate": CHALLENGE} if status is HTTPStatus.UNAUTHORIZED else None
    if isinstance(refusal, TooManyRequests | InProgress):
        headers = {"Retry-After": str(refusal.retry_after)}
    response = respond(request, status, refusal.code, str(refusal), headers)
    if isinstance(refusal, TooLarge | UnsupportedEncoding | BodyTimeout):
        response.force_close()  # the rest of the body is nobody's: the next request cannot be found behind it
    return response


def _unavailable(request: web.Request, retry_after_seconds: int) -> web.Response:
    headers = {"Retry-After": str(retry_after_seconds)}
    return respond(request, HTTPStatus.SERVICE_UNAVAILABLE, Outage.code, "try again later", headers)


def _routing(request: web.Request, answer: web.HTTPException) -> web.Response:
    """What aiohttp itself answers: no such path, or not this method."""
    status = HTTPStatus(answer.status)
    code = status.name.lower()
    headers = {"Allow": answer.headers["Allow"]} if "Allow" in answer.headers else None
    return respond(request, status, code, "", headers)
