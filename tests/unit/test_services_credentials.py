# SPDX-License-Identifier: Apache-2.0
"""The keyring: a password that we can check and repeat, and that nobody without the key can read."""

from __future__ import annotations

import re

import pytest

from vvm.services.credentials import MASTER_KEY_BYTES, Keyring, SealBroken

USER, OTHER = "33612345678@vvm.example.net", "33687654321@vvm.example.net"
KEY, OTHER_KEY = b"k" * MASTER_KEY_BYTES, b"o" * MASTER_KEY_BYTES


def test_a_minted_password_opens_and_matches() -> None:
    keyring = Keyring(KEY)
    minted = keyring.mint(USER)
    password = keyring.open(USER, minted.sealed).reveal()
    assert keyring.matches(USER, password, minted.check)


def test_a_password_fits_into_status_and_has_128_bits() -> None:
    keyring = Keyring(KEY)
    password = keyring.open(USER, keyring.mint(USER).sealed).reveal()
    assert re.fullmatch(r"[A-Za-z0-9]{22,30}", password)  # 62 ** 22 > 2 ** 128
    assert 62 ** len(password) > 2**128


def test_no_two_passwords_are_the_same() -> None:
    keyring = Keyring(KEY)
    minted = [keyring.mint(USER) for _ in range(50)]
    assert len({keyring.open(USER, each.sealed).reveal() for each in minted}) == 50
    assert len({each.check for each in minted}) == len({each.sealed for each in minted}) == 50


def test_a_row_copied_to_another_user_opens_nothing() -> None:
    keyring = Keyring(KEY)
    minted = keyring.mint(USER)
    password = keyring.open(USER, minted.sealed).reveal()
    assert not keyring.matches(OTHER, password, minted.check)
    with pytest.raises(SealBroken):
        keyring.open(OTHER, minted.sealed)


def test_another_master_key_opens_and_matches_nothing() -> None:
    minted = Keyring(KEY).mint(USER)
    password = Keyring(KEY).open(USER, minted.sealed).reveal()
    with pytest.raises(SealBroken, match="master key"):
        Keyring(OTHER_KEY).open(USER, minted.sealed)
    assert not Keyring(OTHER_KEY).matches(USER, password, minted.check)


@pytest.mark.parametrize("index", [0, 12, -1])
def test_a_sealed_password_that_was_tampered_with_does_not_open(index: int) -> None:
    keyring = Keyring(KEY)
    sealed = bytearray(keyring.mint(USER).sealed)
    sealed[index] ^= 1
    with pytest.raises(SealBroken):
        keyring.open(USER, bytes(sealed))


@pytest.mark.parametrize("sealed", [b"\0" * 12, b"\0" * 27])
def test_a_sealed_password_that_was_cut_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        Keyring(KEY).open(USER, sealed)


def test_the_same_key_reads_after_a_restart() -> None:
    minted = Keyring(KEY).mint(USER)
    password = Keyring(bytes(KEY)).open(USER, minted.sealed).reveal()
    assert Keyring(bytes(KEY)).matches(USER, password, minted.check)


@pytest.mark.parametrize("size", [0, MASTER_KEY_BYTES - 1, MASTER_KEY_BYTES + 1])
def test_a_master_key_of_another_size_is_refused_and_not_shown(size: int) -> None:
    with pytest.raises(ValueError, match="32 octets") as refused:
        Keyring(b"s" * size)
    assert "sss" not in str(refused.value)


def test_no_secret_shows_in_a_repr() -> None:
    keyring = Keyring(KEY)
    minted = keyring.mint(USER)
    secret = keyring.open(USER, minted.sealed)
    shown = f"{keyring!r} {minted!r} {secret!r} {secret}"
    assert secret.reveal() not in shown
    assert "kkk" not in shown
