# SPDX-License-Identifier: Apache-2.0
"""One line that stands for a message in a list (RFC 8970), made of what its record says."""

from __future__ import annotations

from vvm.domain.message import Kind

_NAMES = {
    Kind.VOICE: "Voice message",
    Kind.VIDEO: "Video message",
    Kind.FAX: "Fax",
    Kind.NUMBER_ONLY: "Call",
    Kind.NORMAL_GREETING: "Greeting",
    Kind.VOICE_SIGNATURE: "Recorded name",
    Kind.MAIL: "Mail",
}
_GREETINGS = frozenset({Kind.NORMAL_GREETING, Kind.VOICE_SIGNATURE})


def preview(kind: Kind, *, seconds: int, caller: str | None) -> str:
    """``Voice message, 12 s from +33612345678``; nothing is said of a caller that is unknown."""
    length = f", {seconds} s" if seconds else ""
    origin = f" from {caller}" if caller is not None and kind not in _GREETINGS else ""
    return f"{_NAMES[kind]}{length}{origin}"
