# SPDX-License-Identifier: Apache-2.0
"""How a PIN is kept: Argon2id (RFC 9106) with a pepper that is not in the store.

Ten thousand PINs are tried in minutes whatever each costs; it is the pepper, derived from the master
key, that makes a stolen store worthless.  A hash takes tens of milliseconds and as many megabytes,
so it is computed in a few threads of its own, never on the event loop.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from vvm.domain.secrets import Secret
from vvm.services.settings import PinSettings

SALT_BYTES = 16
_HASH_BYTES = 32
_SALT = re.compile(r"\$argon2id\$v=19\$[a-z0-9,=]+\$([A-Za-z0-9+/]{22})\$")


class PinHash:
    """Makes and compares hashes, a bounded number at a time.  Close it in the end."""

    def __init__(self, pepper: bytes, settings: PinSettings) -> None:
        self._pepper = pepper
        self._memory_kib = settings.memory_kib
        self._passes = settings.passes
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="pin-hash")

    async def make(self, pin: Secret, *, salt: bytes | None = None) -> str:
        """The hash in its usual text form, with salt and costs: they may change from one PIN to the next.

        A salt has SALT_BYTES, and is drawn where none is given.
        """
        drawn = secrets.token_bytes(SALT_BYTES) if salt is None else salt
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, partial(self._make, pin, drawn)
        )

    async def matches(self, pin: Secret, check: str) -> bool:
        """Whether ``make`` made this of that PIN, with whichever costs.  False for any other text."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, partial(self._matches, pin, check)
        )

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _make(self, pin: Secret, salt: bytes) -> str:
        kdf = Argon2id(
            salt=salt,
            length=_HASH_BYTES,
            iterations=self._passes,
            lanes=1,
            memory_cost=self._memory_kib,
            secret=self._pepper,
        )
        return kdf.derive_phc_encoded(pin.reveal().encode("utf-8", "surrogateescape"))

    def _matches(self, pin: Secret, check: str) -> bool:
        octets = pin.reveal().encode("utf-8", "surrogateescape")
        try:
            Argon2id.verify_phc_encoded(octets, check, self._pepper)
        except (InvalidKey, ValueError):  # the latter for a text that only looks like a hash
            return False
        return True


def salt_of(check: str) -> bytes | None:
    """The salt of a hash in its text form (``$argon2id$v=19$m=…,t=…,p=…$salt$hash``); None: it is none."""
    found = _SALT.match(check)
    return None if found is None else b64decode(found[1] + "==")
