# SPDX-License-Identifier: Apache-2.0
"""One log event and one measurement for each request, and an id that ties them to the answer.

Neither holds the query: it may carry a caller's number.
"""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Histogram
from structlog.contextvars import bound_contextvars

log = structlog.get_logger(__name__)

HEADER = "X-Request-Id"
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
CALLER_NAME: web.RequestKey[str] = web.RequestKey("caller_name", str)
"""Whose token it was, once that is known."""
PROBLEM_CODE: web.RequestKey[str] = web.RequestKey("problem_code", str)
"""Why it was not carried out, where it was not."""
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def access(registry: CollectorRegistry, metric: str = "vvm_http_request_seconds") -> Middleware:
    """The outermost middleware of an app, which measures under a name of its own."""
    seconds = Histogram(
        metric,
        "Time from a request's header to its answer.",
        ("method", "route", "status"),
        registry=registry,
    )

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = _request_id(request)
        started = time.perf_counter()
        with bound_contextvars(request_id=request[REQUEST_ID]):
            response = await handler(request)
            response.headers[HEADER] = request[REQUEST_ID]
            response.headers["Server"] = "vvm"  # and not which releases of what it is made of
            elapsed = time.perf_counter() - started
            method = request.method if request.method in _METHODS else "other"
            seconds.labels(method, _route(request), response.status).observe(elapsed)
            log.info(
                "request_served",
                method=method,
                route=_route(request),
                token_name=request.get(CALLER_NAME),
                msisdn=request.match_info.get("msisdn"),
                status=response.status,
                code=request.get(PROBLEM_CODE),
                seconds=round(elapsed, 6),
            )
        return response

    return middleware


def _request_id(request: web.Request) -> str:
    """The caller's own id where it is harmless, so that one id goes through all its systems."""
    given = request.headers.get(HEADER, "")
    return given if _ACCEPTABLE.match(given) else uuid4().hex


def _route(request: web.Request) -> str:
    """The pattern of the path, of which there are few, and never the path itself."""
    resource = request.match_info.route.resource
    return "none" if resource is None else resource.canonical
