# SPDX-License-Identifier: Apache-2.0
"""What schemathesis cannot guess: a body of a recording that is one."""

from hypothesis import strategies as st
from schemathesis import openapi

FRAME = b"\x3c" + bytes(31)
"""20 ms of AMR-NB at 12.2 kbit/s."""

openapi.media_type(
    "application/octet-stream", st.integers(60, 80).map(lambda frames: b"#!AMR\n" + frames * FRAME)
)
