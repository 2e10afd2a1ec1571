# SPDX-License-Identifier: Apache-2.0
"""What must never be shown."""

from __future__ import annotations

from datetime import timedelta

from sms_gateway.port import Coding, OutboundSms
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp.pdu import Bind


def test_passwords_and_the_text_of_an_sms_are_not_in_their_representation() -> None:
    sms = OutboundSms(1, "+1", "5511", "//VVM:STATUS:pw=hidden", Coding.OCTETS, 0, 1, timedelta(1), 0)
    for secretive in (SmscSettings(password="hidden"), Bind(b"vvm", b"hidden"), sms):
        assert "hidden" not in repr(secretive)
