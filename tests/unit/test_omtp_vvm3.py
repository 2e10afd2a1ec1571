# SPDX-License-Identifier: Apache-2.0
"""The documents of VVM3's subscription, as AOSP and vvmd write and read them."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvm.omtp.vvm3 import (
    LINK_TEXT,
    BadVmgRequest,
    VmgRequest,
    parse_vmg_request,
    render_portal,
    render_vmg_answer,
)

AOSP = (
    "<VMGVVMRequest>  <MessageHeader>    <transactionid>{id}</transactionid>  </MessageHeader>"
    "  <MessageBody>    <mdn>{mdn}</mdn>    <operation>retrieveSPGURL</operation>"
    "    <source>Device</source>    <devicemodel>DROID_4G</devicemodel>  </MessageBody></VMGVVMRequest>"
)
ASKED = AOSP.format(id="8312345678901234567", mdn="5551230001")
READ = VmgRequest("8312345678901234567", "5551230001")


@pytest.mark.parametrize(
    "octets",
    [
        ASKED.encode(),
        b'<?xml version="1.0" encoding="UTF-8"?>\r\n' + ASKED.encode(),
        quote(ASKED, safe="").encode(),
        b"\r\n" + quote(ASKED, safe="").lower().replace("vmgvvmrequest", "VMGVVMRequest").encode(),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>' + ASKED.encode(),
    ],
)
def test_a_request_is_read_as_it_is_and_percent_encoded(octets: bytes) -> None:
    assert parse_vmg_request(octets) == READ


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "<VMGVVMRequest>",
        "<Other><transactionid>1</transactionid></Other>",
        ASKED.replace("8312345678901234567", "<b/>"),
        ASKED.replace("8312345678901234567", "1;2"),
        ASKED.replace("8312345678901234567", "1" * 41),
        ASKED.replace("5551230001", "anybody"),
        ASKED.replace("retrieveSPGURL", "deleteEverything"),
        "<VMGVVMRequest>" + "<a>" * 10 + "</a>" * 10 + "</VMGVVMRequest>",
        "<VMGVVMRequest>" + "<a/>" * 100 + "</VMGVVMRequest>",
        "<VMGVVMRequest>" + "x" * 5000 + "</VMGVVMRequest>",
        '<?xml version="1.0" encoding="no-such"?>' + ASKED,
    ],
)
def test_what_no_client_sends_is_refused(text: str) -> None:
    with pytest.raises(BadVmgRequest):
        parse_vmg_request(text.encode())


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_entities_and_foreign_documents_are_refused_at_the_doctype(declaration: str) -> None:
    with pytest.raises(BadVmgRequest, match="DOCTYPE"):
        parse_vmg_request((declaration + ASKED.replace("5551230001", "&b;")).encode())


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    with suppress(BadVmgRequest):
        parse_vmg_request(octets)


# rows: V3-02
def test_aosp_finds_transaction_and_address_in_the_text_of_the_answer() -> None:
    text = render_vmg_answer(READ, code=200, words="SUCCESS", spg_url="http://h/vvm3/spg/t").decode()
    assert re.findall("<transactionid>(.*)</transactionid>", text) == [READ.transaction]
    assert re.findall("<spgurl>(.*)</spgurl>", text) == ["http://h/vvm3/spg/t"]
    assert "<responsecode>200</responsecode>" in text


def test_a_refusal_has_no_address() -> None:
    text = render_vmg_answer(READ, code=403, words="a < b").decode()
    assert "spgurl" not in text.lower().replace("retrievespgurl", "")
    assert "a &lt; b" in text
    assert READ.transaction in text


# rows: V3-03
def test_the_link_and_its_text_stand_on_one_line() -> None:
    (line,) = (line for line in render_portal("http://h/s").splitlines() if "<a" in line)
    assert f'<a href="http://h/s">{LINK_TEXT}</a>' in line
    assert LINK_TEXT.lower() == "subscribe to basic visual voice mail"
