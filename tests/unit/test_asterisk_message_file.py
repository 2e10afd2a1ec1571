# SPDX-License-Identifier: Apache-2.0
"""What app_voicemail writes beside a message."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvm.domain.errors import InvalidNumber
from vvm.domain.numbers import Msisdn
from vvm.fronts.asterisk.message_file import MessageFile, Unreadable, addressee, parse_message_file

WRITTEN = b""";
; Message Information file
;
[message]
origmailbox=0000
context=vvm-deposit
exten=+33612345678
rdnis=0612345678
priority=6
callerchan=PJSIP/network-00000000
callerid="Dave = Caller" <+33698765432>
origdate=Sun Nov 22 10:45:37 PM UTC 2026
origtime=1795387537
category=
msg_id=1795387537-00000001
flag=
duration=10
"""


def test_a_file_of_asterisk_22_is_read() -> None:
    assert parse_message_file(WRITTEN) == MessageFile(
        msg_id="1795387537-00000001",
        received_at=datetime.fromtimestamp(1795387537, UTC),
        caller="+33698765432",
        extension="+33612345678",
        redirecting="0612345678",
    )


@pytest.mark.parametrize(
    ("written", "caller"),
    [
        (b"+33698765432", "+33698765432"),
        (b"<+33698765432>", "+33698765432"),
        (b'"" <+33698765432>', "+33698765432"),
        (b"Unknown", None),
        (b"", None),
        (b'"Anonymous" <anonymous>', None),
        (b'"broken', None),
    ],
)
def test_a_caller_has_many_forms(written: bytes, caller: str | None) -> None:
    changed = WRITTEN.replace(b'"Dave = Caller" <+33698765432>', written)
    assert parse_message_file(changed).caller == caller


@pytest.mark.parametrize("lost", [b"msg_id=1795387537-00000001\n", b"origtime=1795387537\n"])
def test_a_file_without_identity_or_time_is_not_finished(lost: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_message_file(WRITTEN.replace(lost, b""))


@given(st.binary() | st.binary().map(lambda noise: WRITTEN.replace(b"1795387537", noise)))
def test_no_file_brings_the_reader_down(octets: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert parse_message_file(octets).msg_id is not None


def message(*, extension: str = "71001", redirecting: str = "unknown") -> MessageFile:
    return MessageFile(
        msg_id="1795387537-00000001",
        received_at=datetime.fromtimestamp(1795387537, UTC),
        caller=None,
        extension=extension,
        redirecting=redirecting,
    )


def test_the_extension_says_for_whom_a_message_is() -> None:
    both = message(extension="+33612345678", redirecting="+33611111111")
    assert addressee(both, "33622222222") == Msisdn("+33612345678")


def test_without_a_number_as_extension_it_is_whoever_forwarded_the_call() -> None:
    assert addressee(message(redirecting="+33611111111"), "33622222222") == Msisdn("+33611111111")


def test_at_last_it_is_the_mailbox() -> None:
    assert addressee(message(), "33622222222") == Msisdn("+33622222222")


def test_the_catch_all_mailbox_is_nobody() -> None:
    with pytest.raises(InvalidNumber):
        addressee(message(), "0000")
