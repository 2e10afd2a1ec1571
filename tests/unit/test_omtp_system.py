# SPDX-License-Identifier: Apache-2.0

"""The outer form of an SMS to a handset, as AOSP takes or throws it away (sheet section 4)."""

from __future__ import annotations

import pytest

from vvm.domain.subscriber import ClientProfile
from vvm.omtp.system import SystemSms, parse_system_sms, render_system_sms

SPECIFICATION_STATUS = (
    "//VVM:STATUS:st=N;rc=0;srv=1:10.115.67.251;tui=123;dn=999;ipt=143;spt=25;"
    "u=78236487@wirelesscarrier.com;pw=secret;lang=eng|fre;g_len=25;vs_len=15;pw_len=4-6;"
    "smtp_u=mail;smtp_pw=secret2;pm=Y;gm=N;vtc=D;vt=1"
)
T_MOBILE = (
    "//VVM:STATUS:st=R;rc=0;srv=vvm.mstore.msg.t-mobile.com;ipt=148;u=15551230001;pw=secret;"
    "lang=1|2|3|4;g_len=180;vs_len=10;pw_len=4-9"
)
VERIZON = "//VZWVVM:STATUS:rc=3;st=U;vmg_url=https://vmg.example.net/path?q=1:2"


# rows: SMS-01 SMS-03
def test_the_text_is_prefix_event_and_fields_with_both_colons() -> None:
    sms = SystemSms("SYNC", {"ev": "MBU", "c": "0"})
    assert render_system_sms(sms, "//VVM") == "//VVM:SYNC:ev=MBU;c=0"


# rows: SMS-02
def test_a_client_that_said_nothing_is_addressed_with_the_default_prefix() -> None:
    sms = SystemSms("SYNC", {"ev": "MBU"})
    assert render_system_sms(sms, ClientProfile().prefix) == "//VVM:SYNC:ev=MBU"


# rows: SMS-02
def test_another_prefix_of_a_subscriber_stands_in_front() -> None:
    text = render_system_sms(SystemSms("SYNC", {"ev": "MBU"}), "//VZWVVM")
    assert text == "//VZWVVM:SYNC:ev=MBU"
    assert parse_system_sms(text, "//VVM") is None


# rows: SMS-04
@pytest.mark.parametrize("value", ["a;pw=1", "a\r\nb", "a\0", "é"])
def test_a_value_that_could_end_its_field_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match=r"^the value of u cannot travel in an SMS$"):
        render_system_sms(SystemSms("STATUS", {"u": value}), "//VVM")


# rows: OPS-01
def test_the_example_of_the_specification_is_read() -> None:
    sms = parse_system_sms(SPECIFICATION_STATUS, "//VVM")
    assert sms is not None
    assert sms.event == "STATUS"
    assert sms.fields["srv"] == "1:10.115.67.251"
    assert sms.fields["lang"] == "eng|fre"
    assert len(sms.fields) == 19


# rows: OPS-01
def test_live_samples_are_read() -> None:
    t_mobile, verizon = parse_system_sms(T_MOBILE, "//VVM"), parse_system_sms(VERIZON, "//VZWVVM")
    assert t_mobile is not None
    assert verizon is not None
    assert t_mobile.fields["ipt"] == "148"
    assert verizon.fields == {"rc": "3", "st": "U", "vmg_url": "https://vmg.example.net/path?q=1:2"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("//VVM:STATUS:", {}),
        ("//VVM:SYNC:ev=MBU;c=00000;", {"ev": "MBU", "c": "00000"}),
        ("//VVM:SYNC:ev=NM;;s=", {"ev": "NM", "s": ""}),
        ("//VVM:SYNC:ev=NM; s=1", {"ev": "NM", " s": "1"}),
        ("//VVM:STATUS:u=a=b:c", {"u": "a=b:c"}),
    ],
)
def test_what_aosp_tolerates_is_read_as_aosp_reads_it(text: str, fields: dict[str, str]) -> None:
    sms = parse_system_sms(text, "//VVM")
    assert sms is not None
    assert sms.fields == fields


@pytest.mark.parametrize(
    "text",
    [
        "",
        "//VVM",
        "//VVM:",
        "//VVM:STATUS",
        "x//VVM:SYNC:ev=NM",
        "//VVM:SYNC:ev=NM;txt",
        "//VVM:SYNC:=NM",
        "//vvm:SYNC:",
    ],
)
def test_what_aosp_throws_away_is_none(text: str) -> None:
    assert parse_system_sms(text, "//VVM") is None


# rows: SMS-14
def test_a_system_sms_shows_the_names_of_its_fields_only() -> None:
    assert repr(parse_system_sms(T_MOBILE, "//VVM")).count("secret") == 0
