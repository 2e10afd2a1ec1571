# SPDX-License-Identifier: Apache-2.0

"""What handsets ask by SMS, in every spelling that the sheet has seen (sections 5.1 to 5.3)."""

from __future__ import annotations

import msgspec
import pytest

from vvm.omtp.client import (
    Activate,
    Deactivate,
    StateRequest,
    StatusRequest,
    UnknownRequest,
    parse_client_sms,
)


# rows: MO-19
@pytest.mark.parametrize("text", ["STATE", "STATE?", "State?v=1", "STATE:x"])
def test_apples_beacon_is_a_request_of_its_own(text: str) -> None:
    assert parse_client_sms(text) == StateRequest()


# rows: MO-01
def test_activate_of_version_1_1_says_version_and_client_type() -> None:
    assert parse_client_sms("Activate:pv=11;ct=Google.Pixel_4a.14") == Activate(
        protocol_version=11, client_type="Google.Pixel_4a.14"
    )


# rows: MO-02
def test_activate_of_version_1_2_says_port_and_prefix_too() -> None:
    assert parse_client_sms("Activate:pv=12;ct=X;pt=5499;//VVM") == Activate(
        protocol_version=12, client_type="X", port=5499, prefix="//VVM"
    )


# rows: MO-03
def test_a_colon_after_the_prefix_is_not_part_of_it() -> None:
    assert parse_client_sms("Activate:pv=12;ct=X;pt=5499;//VVM:") == parse_client_sms(
        "Activate:pv=12;ct=X;pt=5499;//VVM"
    )


# rows: MO-04
def test_activate_of_a_cvvm_client_says_its_device_type_only() -> None:
    assert parse_client_sms("Activate:dt=6") == Activate(device_type=6)


# rows: MO-05 MO-06 MO-07
@pytest.mark.parametrize(
    "text",
    [
        "STATUS",
        "Status",
        "status",
        "STATUS:",
        "STATUS:pv=13;ct=X;pt=0;//VVM",
        "STATUS:pv=13;ct=X;pt=0;//VVM:",
        "Status:dt=6",
        "STATUS:dt=6",
    ],
)
def test_status_is_understood_in_every_spelling(text: str) -> None:
    assert parse_client_sms(text) == StatusRequest()


# rows: MO-07 MO-08
@pytest.mark.parametrize(
    "text", ["Deactivate:pv=11;ct=X", "Deactivate:pv=13;ct=X;pt=5499;//VVM:", "Deactivate:dt=6", "Deactivate"]
)
def test_deactivate_is_understood_in_every_spelling(text: str) -> None:
    assert parse_client_sms(text) == Deactivate()


# rows: MO-09
@pytest.mark.parametrize("text", ["\0Status\0", "Status\r\n", "  STATUS : ", "S\0t\0a\0t\0u\0s\0"])
def test_nuls_and_blanks_of_the_transport_do_not_matter(text: str) -> None:
    assert parse_client_sms(text) == StatusRequest()


def test_empty_pieces_blanks_and_capitals_in_keys_do_not_matter() -> None:
    assert parse_client_sms("ACTIVATE: PV = 13 ;; Ct=X ; pt= 5499;; //VVM:;") == Activate(
        protocol_version=13, client_type="X", port=5499, prefix="//VVM"
    )


# rows: MO-15
@pytest.mark.parametrize(
    ("said", "read"),
    [("11", 11), ("9", 10), ("-3", 10), ("100", 99), ("", None), ("1.3", None), ("9" * 40, None)],
)
def test_the_protocol_version_stays_between_10_and_99(said: str, read: int | None) -> None:
    assert parse_client_sms(f"Activate:pv={said};ct=X") == Activate(protocol_version=read, client_type="X")


# rows: MO-15 SMS-07
@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("0", 0),
        ("20481", 20481),
        ("-25536", 40000),
        ("-1", 65535),
        ("70000", 65535),
        ("port", None),
        ("", None),
    ],
)
def test_a_port_is_read_from_16_bits_with_or_without_a_sign(said: str, read: int | None) -> None:
    assert parse_client_sms(f"Activate:pv=12;ct=X;pt={said}") == Activate(
        protocol_version=12, client_type="X", port=read
    )


# rows: MO-15
def test_a_client_type_is_cut_at_30_characters_and_holds_no_controls() -> None:
    assert parse_client_sms("Activate:ct=" + "a\x07b" * 20) == Activate(client_type="ab" * 15)


@pytest.mark.parametrize("token", ["//VVM:STATUS", "x" * 31, "`", "//V VM", "//V\nVM", "é"])
def test_a_prefix_that_could_not_travel_back_is_as_good_as_none(token: str) -> None:
    assert parse_client_sms(f"Activate:pv=12;{token};ct=X") == Activate(protocol_version=12, client_type="X")


# rows: MO-16 MO-19
@pytest.mark.parametrize(
    "text",
    [
        "STATUES",
        "GET?c=ATTV:Pixel 5/11:4.4.0.10183&v=1.0&l=15551230001&AD",
        "Hello",
        "my code is 1234",
        "",
        ":::",
        "\u017ftatus",
    ],
)
def test_of_another_text_nothing_is_repeated(text: str) -> None:
    request = parse_client_sms(text)
    assert isinstance(request, UnknownRequest)
    assert msgspec.to_builtins(request) == {}


# rows: MO-17
def test_no_request_has_a_place_for_a_subscriber_number() -> None:
    request = parse_client_sms("Activate:pv=12;ct=X;msisdn=+15551230001;s=+15551230001")
    assert request == Activate(protocol_version=12, client_type="X")
