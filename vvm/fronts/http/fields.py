# SPDX-License-Identifier: Apache-2.0
"""Forms that members of several documents have, as openapi.yaml names them.

A pattern ends with ``\\Z``: ``$`` of Python lets a line feed pass, and that of JSON Schema does not.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

E164 = Annotated[str, Meta(pattern=r"^[+][1-9][0-9]{5,14}\Z", description="a number as +33612345678")]

REASON_LENGTH = 200
Reason = Annotated[str, Meta(max_length=REASON_LENGTH)]
"""Why, for the audit."""
HookUrl = Annotated[
    str, Meta(max_length=2000, pattern="^https?://[^/]", description="an address of http:// or https://")
]
Profile = Literal["", "learned", "strict", "android", "vvmd", "apple", "att", "mail", "asterisk"]
"""Manners of a device; empty: those of the subscriber."""
