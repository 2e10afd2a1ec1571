# SPDX-License-Identifier: Apache-2.0
"""Sound as an answer: in which form, and the octets."""

from __future__ import annotations

import re

from aiohttp import web

from vvm.domain.errors import Refusal
from vvm.fronts.http.problems import BadRequest
from vvm.message.audio.encode import Format

_TYPES = {
    Format.AMR: "audio/amr",
    Format.WAV: "audio/wav",
    Format.OPUS: "audio/ogg",
    Format.MP3: "audio/mpeg",
}
_NAMES = {"audio/x-wav": Format.WAV, "audio/opus": Format.OPUS, "audio/mp3": Format.MP3} | {
    name: form for form, name in _TYPES.items()
}
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)\Z")
_RANGES = 20
"""Of an Accept, so many are read."""


class NotAcceptable(Refusal):
    code = "not_acceptable"


def wanted_format(request: web.Request) -> Format:
    """What ``format`` in the query says, else Accept (RFC 9110 section 12.5.1), else as it is stored.

    Raises BadRequest, NotAcceptable.
    """
    named = request.query.get("format")
    if named is not None:
        try:
            return Format(named)
        except ValueError:
            raise BadRequest(f"format must be one of {', '.join(Format)}") from None
    ranges = request.headers.get("Accept", "").split(",")[:_RANGES]
    found = [(weight, form) for weight, form in map(_accepted, ranges) if form is not None and weight > 0]
    if found:
        return max(found, key=lambda one: one[0])[1]
    raise NotAcceptable(f"we have {', '.join(_TYPES.values())}")


def sound(audio: bytes, form: Format) -> web.Response:
    return web.Response(body=audio, content_type=_TYPES[form], headers={"Cache-Control": "no-store"})


def _accepted(text: str) -> tuple[float, Format | None]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weights = [float(found[1]) for part in parameters if (found := _WEIGHT.match(part))]
    form = Format.AMR if name in {"", "*/*", "audio/*"} else _NAMES.get(name)
    return (weights[0] if weights else 1.0), form
