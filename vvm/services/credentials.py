# SPDX-License-Identifier: Apache-2.0
"""The IMAP password of a subscriber: made by us, checked fast, repeatable in STATUS (invariant 9).

The store sees a keyed hash, which answers "is this it?" in microseconds, and a sealed copy, which
STATUS needs because a handset that asks again must be told again.  Both keys come from one master
key that is not in the store.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vvm.domain.errors import Refusal
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import Subscriber

MASTER_KEY_BYTES = 32
CODE_DIGITS = 8
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 22  # 131 bits; OMTP 1.3 2.9.1 allows 30 characters
_NONCE_BYTES = 12


class SealBroken(Refusal):
    """A sealed password that our master key does not open: another key sealed it, or it is damaged.

    Trying again will not help; a new password will.
    """

    code = "seal_broken"


class Minted(msgspec.Struct, frozen=True):
    """A new password, in the forms that the store keeps."""

    check: bytes
    sealed: bytes


class Keyring:
    """Derives one key a purpose from the master key (32 octets)."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_KEY_BYTES:
            raise ValueError(f"the master key must have {MASTER_KEY_BYTES} octets")
        self._check = _derive(master, b"vvm imap password check")
        self.pin_pepper = _derive(master, b"vvm pin pepper")
        """Goes into every hash of a PIN (services.pin_hash)."""
        self.made_pin_key = _derive(master, b"vvm made pins")
        """Makes a PIN of a salt (services.made_pins)."""
        self.transaction_key = _derive(master, b"vvm transactions")
        """Seals what clients bring back over HTTP (services.transactions)."""
        self.answer_key = _derive(master, b"vvm kept answers")
        """Seals answers that are kept for whoever repeats a request (services.repeats)."""
        self._repeat = _derive(master, b"vvm repeated requests")
        self._seal = AESGCM(_derive(master, b"vvm imap password seal"))
        self._wrap = AESGCM(_derive(master, b"vvm data key wrap"))
        self.fingerprint = _derive(master, b"vvm master key fingerprint").hex()[:16]
        """Names the master key where it must not stand itself."""

    def mint(self, imap_user: str) -> Minted:
        """Make a password.  It is bound to its user: a row copied to another user opens nothing."""
        return self._kept(imap_user, "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))

    def mint_for(self, request: bytes | None, imap_user: str, *, replaced: bytes | None) -> Minted:
        """Make a password in the place of another, whose check is ``replaced``.

        The same request in the place of the same one makes the same password, and in the place of any
        other a new one: no password comes back.  Without a request it is as ``mint`` makes it.
        """
        if request is None:
            return self.mint(imap_user)
        number = int.from_bytes(self.repeatable(request + (replaced or b""), "password"), "big")
        letters = (number // len(_ALPHABET) ** place % len(_ALPHABET) for place in range(_LENGTH))
        return self._kept(imap_user, "".join(_ALPHABET[letter] for letter in letters))

    def minted_for(self, request: bytes | None, subscriber: Subscriber) -> bool:
        """Whether the password that a subscriber has is the one that a request has made."""
        if request is None:
            return False
        made = self.mint_for(request, subscriber.imap_user, replaced=subscriber.previous_check)
        return hmac.compare_digest(made.check, subscriber.password_check)

    def mint_code(self, owner: str) -> Minted:
        """Make a one-time code of digits, bound to its owner, for a person to type."""
        return self._kept(owner, f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}")

    def repeatable(self, request: bytes, purpose: str) -> bytes:
        """32 octets that nobody can guess, and that the same request gets again."""
        return hmac.new(self._repeat, purpose.encode() + b"\0" + request, hashlib.sha256).digest()

    def _kept(self, owner: str, secret: str) -> Minted:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, secret.encode(), owner.encode())
        return Minted(check=self._digest(owner, secret), sealed=sealed)

    def matches(self, imap_user: str, password: str, check: bytes) -> bool:
        return hmac.compare_digest(self._digest(imap_user, password), check)

    def open(self, imap_user: str, sealed: bytes) -> Secret:
        """The password again.  Raises SealBroken when the master key is not the one that sealed it."""
        try:
            plain = self._seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], imap_user.encode())
        except (InvalidTag, ValueError):
            raise SealBroken("the master key does not open this password") from None
        return Secret(plain.decode())

    def wrap(self, key: bytes, owner: str) -> bytes:
        """A data key as the store may keep it, bound to whose it is."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._wrap.encrypt(nonce, key, owner.encode())

    def unwrap(self, wrapped: bytes, owner: str) -> bytes:
        """Raises SealBroken when another master key wrapped it."""
        try:
            return self._wrap.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"the master key does not open the data key of {owner}") from None

    def _digest(self, imap_user: str, password: str) -> bytes:
        octets = f"{imap_user}\0{password}".encode("utf-8", "surrogateescape")
        return hmac.new(self._check, octets, hashlib.sha256).digest()


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(master)
