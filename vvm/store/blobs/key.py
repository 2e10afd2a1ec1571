# SPDX-License-Identifier: Apache-2.0
"""The name of a blob: the hash of its octets, by which whoever reads them knows that they are whole.

A random part makes it unique, because a key that comes back could be one that is just being swept.
Two messages with the same octets are two blobs: voice never repeats.
"""

from __future__ import annotations

import hashlib
import re
import secrets

SEALED = "s"
PLAIN = "p"

_KEY = re.compile(r"[0-9a-f]{64}-[0-9a-f]{16}[sp]\Z")


def new_key(octets: bytes, *, sealed: bool = False) -> str:
    return f"{hashlib.sha256(octets).hexdigest()}-{secrets.token_hex(8)}{SEALED if sealed else PLAIN}"


def is_key(name: str) -> bool:
    return _KEY.match(name) is not None


def is_sealed(key: str) -> bool:
    return key.endswith(SEALED)


def is_intact(key: str, octets: bytes) -> bool:
    return key.startswith(hashlib.sha256(octets).hexdigest())
