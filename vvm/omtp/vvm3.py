# SPDX-License-Identifier: Apache-2.0
"""The two documents by which a VVM3 client subscribes: the gateway's XML and the portal's page (sheet 14.3).

Clients search both as text and not as documents: AOSP finds an element by its tags and takes what lies
between them as it is, and wants the link's text to be exactly this; vvmd reads a page line by line.  So
every element stands on one line without attributes, an address holds nothing that XML would escape,
and link and text stand on one line.
"""

from __future__ import annotations

import re
from html import escape
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

import msgspec

LINK_TEXT = "Subscribe to Basic Visual Voice Mail"
SUCCESS = 200
_ROOT = "VMGVVMRequest"
_MOST_ELEMENTS = 32
_MOST_DEPTH = 4
_MOST_CHARACTERS = 256
_ESCAPED = re.compile(rb"\s*%3c", re.IGNORECASE)
"""vvmd sends its XML as a form field without a name would be."""
_TRANSACTION = re.compile(r"[A-Za-z0-9-]{1,40}\Z")
_MDN = re.compile(r"\+?[0-9]{4,15}\Z")


class BadVmgRequest(ValueError):
    """Not a request of a VVM3 client; the text says why and quotes nothing."""


class VmgRequest(msgspec.Struct, frozen=True):
    transaction: str
    """The client compares it with that of the answer."""
    mdn: str
    """The number without its country code, as AOSP sends it.  A claim."""


def parse_vmg_request(octets: bytes) -> VmgRequest:
    """Read a request, also a percent-encoded one.  Raises BadVmgRequest.

    Nothing is expanded, fetched or resolved: a document with a DOCTYPE is refused at that word.
    """
    if _ESCAPED.match(octets):
        octets = unquote_to_bytes(octets)
    fields = _Fields().read(octets)
    transaction, mdn = fields.get("transactionid", ""), fields.get("mdn", "")
    if not _TRANSACTION.match(transaction):
        raise BadVmgRequest("transactionid must be 1 to 40 letters and digits")
    if fields.get("operation", "").lower() != "retrievespgurl":
        raise BadVmgRequest("the only operation is retrieveSPGURL")
    if not _MDN.match(mdn):
        raise BadVmgRequest("mdn must be 4 to 15 digits")
    return VmgRequest(transaction, mdn)


def render_vmg_answer(request: VmgRequest, *, code: int, words: str, spg_url: str = "") -> bytes:
    """The answer; without ``spg_url`` it is a refusal, in which the client finds no address."""
    address = f"<spgurl>{escape(spg_url)}</spgurl>\n" if spg_url else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<VMGVVMResponse>\n"
        "<MessageHeader>\n"
        f"<transactionid>{request.transaction}</transactionid>\n"
        "</MessageHeader>\n"
        "<MessageBody>\n"
        f"<mdn>{request.mdn}</mdn>\n"
        "<operation>retrieveSPGURL</operation>\n"
        f"<responsecode>{code}</responsecode>\n"
        f"<responsedesc>{escape(words)}</responsedesc>\n"
        f"{address}"
        "</MessageBody>\n"
        "</VMGVVMResponse>\n"
    ).encode()


def render_portal(link: str) -> str:
    """The page with the link that subscribes."""
    return _page(f'<p><a href="{escape(link)}">{LINK_TEXT}</a></p>')


def render_subscribed() -> str:
    return _page("<p>Visual voicemail is being set up. Your phone is told by SMS.</p>")


def _page(body: str) -> str:
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "<head><title>Visual voicemail</title></head>\n"
        f"<body>\n{body}\n</body>\n"
        "</html>\n"
    )


class _Fields:
    """The text of each leaf by the name of its element; of several, the first."""

    def __init__(self) -> None:
        self._depth = 0
        self._count = 0
        self._text = ""
        self._found: dict[str, str] = {}

    def read(self, octets: bytes) -> dict[str, str]:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(octets, True)  # noqa: FBT003 - expat's own signature: this is all of it
        except (expat.ExpatError, UnicodeError, LookupError):
            raise BadVmgRequest("not XML that is well formed") from None
        return self._found

    def _doctype(self, *_: object) -> None:
        raise BadVmgRequest("a DOCTYPE is not taken")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        del attributes
        self._depth += 1
        self._count += 1
        self._text = ""
        if self._depth == 1 and name != _ROOT:
            raise BadVmgRequest(f"the root must be {_ROOT}")
        if self._depth > _MOST_DEPTH or self._count > _MOST_ELEMENTS:
            raise BadVmgRequest("more elements than any request has")

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._found.setdefault(name.lower(), self._text.strip())
        self._text = ""

    def _characters(self, text: str) -> None:
        self._text += text
        if len(self._text) > _MOST_CHARACTERS:
            raise BadVmgRequest("a longer text than any request has")
