# SPDX-License-Identifier: Apache-2.0
"""What a client is given on one step and brings back on the next: sealed, short-lived, kept nowhere.

It says for which number and for which step it was made.  Its holder learns neither, and nobody makes
one without the master key, so it may stand in an address that proxies write down.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn

_NONCE_BYTES = 12
_LONGEST = 200


class Step(StrEnum):
    """Made for one of these, good for no other."""

    PORTAL = "portal"
    SUBSCRIBE = "subscribe"


class BadTransaction(Refusal):
    """Made up, for another step, from another browser, or too old: begin again."""

    code = "bad_transaction"

    def __init__(self) -> None:
        super().__init__("this address is not valid any more: begin again")


class Transactions:
    def __init__(self, key: bytes, clock: Clock) -> None:
        self._cipher = AESGCM(key)
        self._clock = clock

    def issue(self, step: Step, msisdn: Msisdn, *, life: timedelta, bound_to: str = "") -> str:
        """``bound_to`` must be brought along when it is read, for example in a cookie."""
        expires = int((self._clock.now() + life).timestamp())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, f"{expires} {msisdn}".encode(), _context(step, bound_to))
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def read(self, step: Step, token: str, *, bound_to: str = "") -> Msisdn:
        """For whom it was made.  Raises BadTransaction."""
        if len(token) > _LONGEST or not token.isascii():
            raise BadTransaction
        try:
            octets = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            plain = self._cipher.decrypt(
                octets[:_NONCE_BYTES], octets[_NONCE_BYTES:], _context(step, bound_to)
            )
        except (InvalidTag, ValueError):
            raise BadTransaction from None
        expires, _, msisdn = plain.decode().partition(" ")
        if self._clock.now() >= datetime.fromtimestamp(int(expires), UTC):
            raise BadTransaction
        return Msisdn(msisdn)


def _context(step: Step, bound_to: str) -> bytes:
    return f"{step.value}\0{bound_to}".encode("utf-8", "surrogateescape")
