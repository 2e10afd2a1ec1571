# SPDX-License-Identifier: Apache-2.0
"""Every key whose documentation names its values takes those and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_config_checks import told
from vvm.config.load import load

PASSWORD = "[asterisk]\nari_password_file = '{}'\n"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("source_ton", [0, 6], [-1, 7, 9]),
        ("destination_ton", [1, 5], [7]),
        ("source_npi", [0, 14, 18], [-1, 2, 5, 19]),
        ("destination_npi", [9], [7]),
        ("esm_mode", [0, 1, 2, 3], [-1, 4, 7]),
        ("protocol_id", [0, 0x7F, 255], [-1, 256]),
        ("registered_delivery", [0, 1, 2], [-1, 3, 9]),
        ("data_coding_octets", [0, 4, 0xF5], [-1, 256]),
        ("service_type", ["", "VVM", "12345"], ["123456", "é"]),
        ("system_type", ["", "x" * 12], ["x" * 13]),
    ],
)
def test_an_smsc_is_sent_what_smpp_defines(
    tmp_path: Path, name: str, good: list[int | str], bad: list[int | str]
) -> None:
    for value in good:
        (tmp_path / "good.toml").write_text(f"[[sms.smsc]]\n{name} = {value!r}\n")
        load(tmp_path / "good.toml", {})
    for value in bad:
        ((key, _, _),) = told(tmp_path, f"[[sms.smsc]]\n{name} = {value!r}\n")
        assert key == f"sms.smsc[0].{name}"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("terminate_on", ["#", "*", "any", "none"], ["xx", "", "5"]),
        ("greeting", ["sound:vm-intro", "tone:ring;tonezone=fr"], ["vm-intro", "", "sound:"]),
        ("goodbye", ["", "sound:vm-goodbye"], ["vm-goodbye"]),
        ("media_url", ["", "http://127.0.0.1:8089"], ["127.0.0.1:8089"]),
    ],
)
def test_asterisk_is_asked_for_what_ari_takes(
    tmp_path: Path, name: str, good: list[str], bad: list[str]
) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    section = PASSWORD.format(password)
    for value in good:
        (tmp_path / "good.toml").write_text(f"{section}{name} = {value!r}\n")
        load(tmp_path / "good.toml", {})
    for value in bad:
        ((key, shown, _),) = told(tmp_path, f"{section}{name} = {value!r}\n")
        assert (key, shown) == (f"asterisk.{name}", f'"{value}"')


def test_a_kannel_is_asked_for_reports_that_there_are(tmp_path: Path) -> None:
    kannel = "[[sms.kannel]]\ncallback_password = 'secret'\ndlr_mask = "
    (tmp_path / "good.toml").write_text(f"{kannel}31\n")
    load(tmp_path / "good.toml", {})
    ((key, shown, _),) = told(tmp_path, f"{kannel}32\n")
    assert (key, shown) == ("sms.kannel[0].dlr_mask", "32")


def test_a_realm_has_neither_blanks_nor_quotes(tmp_path: Path) -> None:
    for realm in ("vvm example", 'vvm\\"'):
        ((key, _, _),) = told(tmp_path, f'[imap.limits]\nsasl_realm = "{realm}"\n')
        assert key == "imap.limits.sasl_realm"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("protocol_version = 9", "protocol_version"),
        ("client_type = 'x234567890123456789012345678901'", "client_type"),
        ("source = '+5511'", "source"),
        ("carrier = 'nope'", "carrier"),
        ("number = '+33612345678'", "number"),
    ],
)
def test_what_is_assumed_of_a_client_is_what_the_api_would_take(tmp_path: Path, line: str, key: str) -> None:
    ((told_key, _, _),) = told(tmp_path, f"[vvm.client]\n{line}\n")
    assert told_key == f"vvm.client.{key}"
