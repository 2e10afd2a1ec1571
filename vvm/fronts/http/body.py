# SPDX-License-Identifier: Apache-2.0
"""Reading a request's body with a limit on its size and on its time."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import HttpVersion11, web

from vvm.domain.errors import TooLarge
from vvm.domain.form import fault_of
from vvm.fronts.http.problems import BadRequest, BodyTimeout, UnsupportedEncoding

T = TypeVar("T")

BODY: web.RequestKey[bytes] = web.RequestKey("body", bytes)
"""Of a request that was read, for whoever reads it next."""


async def read_body(request: web.Request, *, limit_bytes: int, seconds: float) -> bytes:
    """The body, of at most ``limit_bytes`` octets.

    Raises TooLarge before the body is read where its size was announced, and otherwise (chunked) as
    soon as it has grown too large; UnsupportedEncoding; BodyTimeout; BadRequest when it breaks off.
    """
    known: bytes | None = request.get(BODY)
    if known is not None:
        if len(known) > limit_bytes:
            raise TooLarge(limit_bytes=limit_bytes)
        return known
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedEncoding("send the body as it is, without Content-Encoding")
    if (request.content_length or 0) > limit_bytes:
        raise TooLarge(limit_bytes=limit_bytes)
    pieces = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            await _invite(request)
            async for piece in request.content.iter_any():
                size += len(piece)
                if size > limit_bytes:
                    raise TooLarge(limit_bytes=limit_bytes)
                pieces.append(piece)
    except TimeoutError:
        raise BodyTimeout(f"the body did not arrive within {seconds:g} s") from None
    except (web.RequestPayloadError, ConnectionError):
        raise BadRequest("the body is broken off or garbled") from None
    request[BODY] = b"".join(pieces)
    return request[BODY]


def decode(body: bytes, type_: type[T]) -> T:
    """A JSON document as a struct; an empty body is an empty document.  Raises BadRequest.

    Its text names the field and never quotes a value.
    """
    try:
        return msgspec.convert(read_json(body), type_)
    except UnicodeDecodeError:
        raise BadRequest("JSON must be UTF-8") from None
    except RecursionError as error:
        raise BadRequest(str(error)) from None
    except msgspec.DecodeError as error:
        raise BadRequest(str(fault_of(error, type_))) from None


def read_json(body: bytes) -> object:
    """A JSON document as it stands; an empty body is an empty document.  Raises what msgspec raises."""
    return _DECODER.decode(body or b"{}")


def _number(text: str) -> int | float:
    """JSON has one kind of number (RFC 8259 section 6): 7.0 is 7."""
    value = float(text)
    return int(value) if value.is_integer() else value


_DECODER = msgspec.json.Decoder(float_hook=_number)


async def wait_for_invitation(request: web.Request) -> None:
    """Stands in for aiohttp's answer to ``Expect``, which comes before anybody has looked at the request.

    ``read_body`` sends it once the body is wanted (RFC 9110 section 10.1.1).
    """
    del request


async def _invite(request: web.Request) -> None:
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # aiohttp takes any output for the start of the answer
