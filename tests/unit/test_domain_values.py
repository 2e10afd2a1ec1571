# SPDX-License-Identifier: Apache-2.0
"""Small values of the domain: secrets that do not show, clocks that obey, errors that say who must act."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest

from vvm.domain import errors
from vvm.domain.clock import FixedClock, SystemClock
from vvm.domain.errors import MailboxFull, Outage, Refusal, TooLarge, VvmError
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import Credentials


def test_a_secret_shows_only_when_it_is_asked_to() -> None:
    secret = Secret("pa55word")
    shown = f"{secret} {secret!r} {[secret]} {Credentials('user', secret)}"
    assert "pa55word" not in shown
    assert secret.reveal() == "pa55word"


def test_a_secret_does_not_show_in_an_exception() -> None:
    error = ValueError(Secret("pa55word"))
    assert "pa55word" not in f"{error} {error!r}" + "".join(traceback.format_exception(error))


def test_secrets_compare_by_their_text_and_know_when_they_are_empty() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a")
    assert not Secret("")


def test_a_fixed_clock_moves_only_when_it_is_told_to() -> None:
    start = datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    clock = FixedClock(start)
    assert clock.now() == clock.now() == start
    clock.advance(timedelta(minutes=1))
    assert clock.now() == start + timedelta(minutes=1)


def test_clocks_tell_utc() -> None:
    plus_two = timezone(timedelta(hours=2))
    for clock in (SystemClock(), FixedClock(datetime(2026, 3, 1, tzinfo=plus_two))):
        assert clock.now().tzinfo is UTC


def own_errors() -> list[type[VvmError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [error for error in found if issubclass(error, VvmError)]


def test_every_error_is_a_refusal_or_an_outage_with_a_code_of_its_own() -> None:
    leaves = [error for error in own_errors() if error not in {VvmError, Refusal}]
    assert all(issubclass(error, Refusal | Outage) for error in leaves)
    codes = [error.code for error in leaves]
    assert len(set(codes)) == len(codes)
    assert all(code.isidentifier() and code.islower() for code in codes)


def test_only_an_outage_is_worth_another_try() -> None:
    assert {error for error in own_errors() if error.retryable} == {Outage}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MailboxFull(used=3, limit=2), "mailbox holds 3 of 2 messages"),
        (TooLarge(limit_bytes=10), "more than 10 octets"),
    ],
)
def test_a_refusal_says_what_was_passed(error: VvmError, text: str) -> None:
    assert str(error) == text
