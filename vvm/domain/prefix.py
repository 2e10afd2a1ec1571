# SPDX-License-Identifier: Apache-2.0
"""What may stand before every SMS to a client, wherever that is said: configuration, API, the client itself.

A prefix is ended by ``:`` in what the server sends (OMTP 1.3 2.9.1), and stands among fields that
``;`` and ``=`` cut in what the client sends; both travel in the GSM alphabet, which has no backtick.
"""

from __future__ import annotations

import re

PREFIX_RULE = "1 to 30 printable ASCII characters, none of them a space, a backtick, : ; or ="
PREFIX_PATTERN = r"^[!-9<>-_a-~]{1,30}\Z"
"""The same for schemas."""
_PREFIX = re.compile(PREFIX_PATTERN)


def is_prefix(text: str) -> bool:
    """True for what PREFIX_RULE says."""
    return _PREFIX.match(text) is not None
