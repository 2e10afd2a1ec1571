# SPDX-License-Identifier: Apache-2.0
"""Mistakes in ``[[sms.kannel]]`` are told before anything starts."""

from __future__ import annotations

import pytest

from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.settings import SmscSettings
from vvm.config.checks import check
from vvm.config.sections import Config, SmsSection


def keys(*kannels: KannelSettings) -> list[str]:
    sms = SmsSection(smsc=(SmscSettings(name="main"),), kannel=kannels)
    return [mistake.key for mistake in check(Config(sms=sms)) if "kannel" in mistake.key]


def kannel(**changes: str) -> KannelSettings:
    return KannelSettings(**({"callback_password": "token"} | changes))  # type: ignore[arg-type]  # strings only


def test_a_kannel_beside_an_smsc_is_fine() -> None:
    assert keys(kannel()) == []


@pytest.mark.parametrize("name", ["main", "", "a/b", "a b"])
def test_a_name_is_a_path_and_nobody_elses(name: str) -> None:
    assert keys(kannel(name=name)) == ["sms.kannel[0].name"]


def test_two_kannels_have_two_names() -> None:
    assert keys(kannel(), kannel()) == ["sms.kannel[0].name", "sms.kannel[1].name"]


def test_addresses_say_how_they_are_reached() -> None:
    mistakes = keys(kannel(url="127.0.0.1:13013", callback_url="here"))
    assert mistakes == ["sms.kannel[0].url", "sms.kannel[0].callback_url"]


def test_the_token_must_be_there() -> None:
    assert keys(KannelSettings()) == ["sms.kannel[0].callback_password"]


def test_where_kannel_reports_is_an_address() -> None:
    mistakes = check(Config(sms=SmsSection(kannel_listen="nowhere", kannel=(kannel(),))))
    assert "sms.kannel_listen" in [mistake.key for mistake in mistakes]


def test_a_lease_outlasts_what_a_kannel_may_hold() -> None:
    slow = KannelSettings(callback_password="token", request_seconds=1000.0)
    mistakes = check(Config(sms=SmsSection(kannel=(slow,))))
    assert "notification.lease_seconds" in [mistake.key for mistake in mistakes]
