# SPDX-License-Identifier: Apache-2.0
"""What schemathesis cannot guess: a body of a recording that is one, and that a key is for one request."""

import re
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st
from schemathesis import openapi

KEY = "Idempotency-Key"

FRAME = b"\x3c" + bytes(31)
"""20 ms of AMR-NB at 12.2 kbit/s."""

openapi.media_type(
    "application/octet-stream", st.integers(60, 80).map(lambda frames: b"#!AMR\n" + frames * FRAME)
)


@schemathesis.hook
def map_headers(context: object, headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """A key that is well formed comes once; the others go out as they are."""
    if headers and re.fullmatch(r"[!-~]{1,200}", str(headers.get(KEY, ""))):
        return {**headers, KEY: uuid4().hex}
    return headers
